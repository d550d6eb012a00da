"""Score: a file of customers into a file or a database, in chunks, resumed where a killed job stopped.

Reads:  a CSV, Parquet or XLSX file, and the version in production (or a named one).
Writes: one score per customer; rejected rows with reasons beside it. The output appears when it is whole.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from churn.contract.table import RejectedRow, check_table
from churn.errors import NotFoundError, UsageError
from churn.scoring.loading import load_scorer
from churn.scoring.scorer import Scorer
from churn.stores.registry import ModelRegistry
from churn.stores.score_table import job_id_of
from pipelines.score_input import Chunk, read_chunks
from pipelines.score_output import Scored, ScoreSink, open_sink
from pipelines.settings import PipelineSettings

log = logging.getLogger(__name__)

Progress = Callable[[int], None]
"""Told the number of rows that are dealt with so far."""


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """What a scoring job did; `resumed_at` is the number of rows that an earlier, killed job had done."""

    version: int
    rows: int
    scored: int
    rejected: int
    at_risk: int
    resumed_at: int
    rejected_file: Path


def score(
    source: Path, output: str, *, version: int | None, settings: PipelineSettings, progress: Progress
) -> ScoreReport:
    """Score one file.

    Raises:
        UsageError: the input is not there, or the output can't be written to.
        NotFoundError: nothing is in production.
        TableError: the table can't be used.
    """
    if not source.is_file():
        raise UsageError(f"there is no file {source}: give a CSV, Parquet or XLSX file with --input")
    scorer = _load(version, settings)
    job = job_id_of(_sha256(source), str(scorer.version), scorer.digest, output)
    with open_sink(output, source, job) as sink:
        report = _run(scorer, read_chunks(source), sink, progress)
    log.info("file scored", extra={"rows": report.rows, "rejected": report.rejected, "version": report.version})
    return report


def _run(scorer: Scorer, chunks: Iterator[Chunk], sink: ScoreSink, progress: Progress) -> ScoreReport:
    resumed_at = rows = sink.rows_done
    scored, rejected, at_risk = sink.counts
    for chunk in chunks:
        if chunk.last_row <= resumed_at:
            continue
        result = score_chunk(scorer, chunk)
        sink.write(result, rows_done=chunk.last_row)
        rows = chunk.last_row
        scored, rejected, at_risk = sink.counts
        progress(rows)
    sink.finish()
    return ScoreReport(scorer.version, rows, scored, rejected, at_risk, resumed_at, sink.rejected_file)


def score_chunk(scorer: Scorer, chunk: Chunk) -> Scored:
    """Score the rows of one chunk that fit the contract, and give the reasons for the others."""
    checked = check_table(scorer.contract, chunk.columns, first_row=chunk.first_row)
    probabilities = scorer.score_columns(checked.columns)
    predictions, levels = scorer.decide_all(probabilities)
    ids = [f"row-{row}" for row in checked.accepted] if checked.customer_ids is None else checked.customer_ids.tolist()
    unreadable = [RejectedRow(row, (reason,)) for row, reason in chunk.bad_rows]
    return Scored(
        ids=ids,
        probabilities=probabilities.tolist(),
        predictions=predictions.tolist(),
        levels=levels.tolist(),
        version=scorer.version,
        rejected=[*unreadable, *checked.rejected],
    )


def _load(version: int | None, settings: PipelineSettings) -> Scorer:
    registry = ModelRegistry(settings.tracking_uri)
    bundle = registry.version(settings.model, version) if version else registry.production(settings.model)
    if bundle is None:
        raise NotFoundError(f"no version of {settings.model} is in production: run `churn ring` or `churn promote`")
    folder = registry.fetch_bundle(bundle, settings.bundle_folder / bundle.digest)
    return load_scorer(folder, name=bundle.name, version=bundle.version, digest=bundle.digest)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
