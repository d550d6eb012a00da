"""Score: a file of customers into a file or a database, in chunks, resumed where a killed job stopped.

Reads:  a CSV, Parquet or XLSX file, and the version in production (or a named one).
Writes: one score per customer, with segment, expected profit and loss, priority and, when asked, the three strongest
        reasons and the best offer in words; rejected rows with why beside it. The output appears when it is whole.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from churn.contract.request import Row
from churn.contract.table import CheckedTable, Columns, RejectedRow, check_table
from churn.errors import NotFoundError, UsageError
from churn.scoring.explanation import Explanation
from churn.scoring.scorer import Scorer
from churn.stores.registry import ModelRegistry
from churn.stores.score_table import job_id_of
from pipelines.registered import load_registered
from pipelines.score_input import Chunk, read_chunks
from pipelines.score_output import HEADER, PLACE, REASONS, WORDS, Scored, ScoreSink, open_sink
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
    source: Path,
    output: str,
    *,
    version: int | None,
    settings: PipelineSettings,
    progress: Progress,
    explain: bool = False,
) -> ScoreReport:
    """Score one file.

    Args:
        source: a CSV, Parquet or XLSX file.
        output: a CSV file, or a database's URL.
        version: which; None takes production.
        settings: where the home is.
        progress: is told how far it is.
        explain: also write reasons.

    Raises:
        UsageError: the input is not there, the output can't be written to, or the version has no explanations.
        NotFoundError: nothing is in production.
        TableError: the table can't be used.
    """
    if not source.is_file():
        raise UsageError(f"there is no file {source}: give a CSV, Parquet or XLSX file with --input")
    scorer = _load(version, settings)
    if explain and scorer.explanation_note:
        raise UsageError(f"{scorer.explanation_note}, or score without --explain")
    header = (*HEADER, *WORDS) if explain else HEADER
    job = job_id_of(_sha256(source), str(scorer.version), scorer.digest, output, *header)
    with open_sink(output, source, job, header=header) as sink:
        report = _run(scorer, read_chunks(source), sink, progress, explain=explain)
    log.info("file scored", extra={"rows": report.rows, "rejected": report.rejected, "version": report.version})
    return report


def _run(scorer: Scorer, chunks: Iterator[Chunk], sink: ScoreSink, progress: Progress, *, explain: bool) -> ScoreReport:
    resumed_at = rows = sink.rows_done
    scored, rejected, at_risk = sink.counts
    for chunk in chunks:
        if chunk.last_row <= resumed_at:
            continue
        result = score_chunk(scorer, chunk, explain=explain)
        sink.write(result, rows_done=chunk.last_row)
        rows = chunk.last_row
        scored, rejected, at_risk = sink.counts
        progress(rows)
    sink.finish()
    return ScoreReport(scorer.version, rows, scored, rejected, at_risk, resumed_at, sink.rejected_file)


def score_chunk(scorer: Scorer, chunk: Chunk, *, explain: bool) -> Scored:
    """Score the rows of one chunk that fit the contract, and give the reasons for the others."""
    checked = check_table(scorer.contract, chunk.columns, first_row=chunk.first_row)
    probabilities = scorer.score_columns(checked.columns)
    predictions, levels = scorer.decide_all(probabilities)
    standings = scorer.standings.lists_of(checked.columns, probabilities)
    cells: list[Sequence[object]] = [
        _ids(checked),
        probabilities.tolist(),
        predictions.tolist(),
        levels.tolist(),
        [scorer.version] * len(probabilities),
        *(standings[name] for name in PLACE),
    ]
    if explain:
        cells += _words(scorer, checked.columns, probabilities)
    unreadable = [RejectedRow(row, (reason,)) for row, reason in chunk.bad_rows]
    rows = list(zip(*cells, strict=True))
    return Scored(rows=rows, at_risk=int(predictions.sum()), rejected=[*unreadable, *checked.rejected])


def _ids(checked: CheckedTable) -> list[str]:
    if checked.customer_ids is None:
        return [f"row-{row}" for row in checked.accepted]
    found: list[str] = checked.customer_ids.tolist()
    return found


def _words(scorer: Scorer, columns: Columns, probabilities: np.ndarray) -> list[list[str | None]]:
    """Return a list per column of WORDS: reasons, strongest first, None where a customer has fewer; and what to do."""
    rows = (dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True))
    explained = zip(rows, probabilities.tolist(), scorer.explain_columns(columns), strict=True)
    found = [_words_of(scorer, *each) for each in explained]
    return [[words[place] for words in found] for place in range(len(WORDS))]


def _words_of(scorer: Scorer, row: Row, probability: float, why: Explanation) -> list[str | None]:
    reasons: list[str | None] = [reason.words for reason in why.top_reasons]
    missing = [None] * (len(REASONS) - len(reasons))
    return [*reasons, *missing, scorer.offers.of_row(row, probability, why.raising).recommendations[0]]


def _load(version: int | None, settings: PipelineSettings) -> Scorer:
    registry = ModelRegistry(settings.tracking_uri)
    bundle = registry.version(settings.model, version) if version else registry.production(settings.model)
    if bundle is None:
        raise NotFoundError(f"no version of {settings.model} is in production: run `churn ring` or `churn promote`")
    return load_registered(bundle, registry, settings)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
