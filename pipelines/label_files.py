"""The files that a labelling leaves: the table, the lines set aside, and the report's folder."""

import csv
import hashlib
from pathlib import Path

import pandas as pd

from churn.contract.contract import Contract
from churn.contract.reading import dump_contract
from churn.data.csv_chunks import BadRow
from churn.labels.labelling import Labelling
from churn.labels.report import Study, as_markdown, study_table
from churn.labels.study import LabelStudy
from churn.labels.study_plot import plot_study
from churn.labels.usage_study import usage_table
from pipelines.settings import PipelineSettings


def table_place(contract: Contract, data: Path, settings: PipelineSettings, *, ending: str = ".parquet") -> Path:
    """Return a path that the same file and contract give again; its folder is there."""
    with data.open("rb") as stream:
        of_data = hashlib.file_digest(stream, "sha256").hexdigest()
    of_contract = hashlib.sha256(dump_contract(contract).encode()).hexdigest()
    folder = settings.data_folder / contract.name / "labelled"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{contract.name}-{of_data[:12]}-{of_contract[:6]}{ending}"


def write_table(path: Path, table: pd.DataFrame) -> Path:
    """Write a table as Parquet; nobody sees half of it."""
    table.to_parquet(partial := path.with_suffix(".part"), index=False)
    return partial.rename(path)


def write_rejected(path: Path, bad_rows: tuple[BadRow, ...]) -> Path:
    """Write the lines that were set aside, each with its reason."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row", "reasons"])
        writer.writerows(bad_rows)
    return path


def write_report(folder: Path, contract: Contract, found: Labelling, study: Study) -> Path:
    """Write the report and, when there is a study, its rows and its picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.md").write_text(as_markdown(contract, found, study), encoding="utf-8")
    if isinstance(study, tuple):
        usage_table(study).to_csv(folder / "study.csv", index=False)
    if isinstance(study, LabelStudy):
        study_table(study).to_csv(folder / "study.csv", index=False)
        plot_study(study).savefig(folder / "study.png")
    return folder
