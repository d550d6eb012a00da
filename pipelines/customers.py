"""Which customers to take when nobody brings any: the downloaded Telco file, else synthetic ones."""

from dataclasses import dataclass
from pathlib import Path

from churn.data.sampler_file import write_sample
from churn.data.telco_download import fetch_telco
from churn.errors import DownloadError, UsageError
from pipelines.settings import PipelineSettings

SAMPLED_ROWS = 7043
"""As many as the real file has."""


@dataclass(frozen=True, slots=True)
class Source:
    """A customer table, and where it came from in words."""

    path: Path
    words: str
    is_real: bool


def choose_customers(data: str | None, *, settings: PipelineSettings) -> Source:
    """Take the named file; without one the public Telco file, and without a network the sampler.

    Raises:
        UsageError: the named file is not there.
    """
    if data and data != "auto":
        if not (path := Path(data)).is_file():
            raise UsageError(f"there is no file {data}: give a CSV, Parquet or XLSX file with --data")
        return Source(path, f"your file {path.name}", is_real=True)
    try:
        return Source(fetch_telco(settings.data_folder), "IBM's Telco customers, downloaded", is_real=True)
    except DownloadError:
        path = settings.data_folder / f"telco-sampled-{SAMPLED_ROWS}.csv"
        write_sample(path, SAMPLED_ROWS, seed=1)
        return Source(path, "synthetic customers (the download is out of reach)", is_real=False)
