"""The job `score`: a stored file of customers becomes a file of scores beside it."""

from pathlib import Path

from churn.errors import UsageError
from churn.stores.job_files import REJECTED, SCORES, JobFiles
from churn.stores.orders import ScoreOrder
from pipelines.jobs.task import Ending, Task
from pipelines.score import ScoreReport, score
from pipelines.score_input import PARQUET

BLOCK = 1 << 20


def do_score(task: Task) -> Ending:
    """Score the file; after a kill it goes on where it stopped."""
    order = ScoreOrder.model_validate(task.job.parameters)
    folder = JobFiles(task.settings.job_folder).folder(task.job.job_id)
    source, output = folder / order.file, folder / SCORES
    if not source.is_file():
        raise UsageError("the file of this job is gone: send it again")
    task.teller.tell("reading the file", 0.0)
    total = _rows_in(source)
    report = score(
        source,
        str(output),
        version=order.version,
        settings=task.settings,
        progress=lambda rows: task.teller.tell(f"{rows:,} rows", min(0.99, rows / max(total, 1))),
        explain=order.explain,
    )
    return _ending(report, source)


def _ending(report: ScoreReport, source: Path) -> Ending:
    facts = {"rows": report.rows, "scored": report.scored, "rejected": report.rejected, "at_risk": report.at_risk}
    return Ending(
        f"{report.rows:,} rows: {report.scored:,} scored with version {report.version}, {report.rejected:,} set aside",
        {**facts, "version": report.version, "files": [SCORES, REJECTED]},
        leftovers=(source,),
    )


def _rows_in(source: Path) -> int:
    """Return about how many rows there are: lines in quotes count too."""
    if source.suffix.lower() in PARQUET:
        import pyarrow.parquet  # noqa: PLC0415  a CSV job does not need it

        try:
            rows: int = pyarrow.parquet.read_metadata(source).num_rows
        except pyarrow.ArrowInvalid:
            return 0  # the reader says it better
        return rows
    with source.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(BLOCK), b""))
