"""Performance runs: how good each version's predictions were, measure by measure and part by part."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Engine, RowMapping, Select, func, insert, select

from churn.stores.tables import performance_measures, performance_runs
from churn.stores.transactions import reading, writing

ALL = "all"
"""The dimension, and its one part, of all customers."""

DEGRADED, NOT_DEGRADED, NOT_ENOUGH, MEASURED = "degraded", "not degraded", "not enough data", "measured"
"""What a run may say; 'measured': the version has no figures on held-out customers to compare with."""

LONGEST_PART = 128

Source = Literal["observed", "estimated", "reference"]
"""observed: from outcomes; estimated: before they arrive; reference: on customers held out of training."""


@dataclass(frozen=True, slots=True)
class PerformanceRun:
    """One look at one version. Moments are text, as `churn.scoring.prediction.utc_text` writes it.

    Attributes:
        window_start: of the predictions whose outcomes are due.
        window_end: likewise.
        predictions: customers predicted in the window; each counts once, with the first prediction.
        labelled: of them, those whose outcome is known.
        unknown: of them, those of whom nothing was told in time.
        waiting: customers predicted since the window's end, whose outcomes are not due yet.
        contradicted: customers reported as gone and as there later; the later report is believed.
        status: one of those above.
        words: the verdict in a sentence.
        report: path or address of the report for people.
    """

    model_name: str
    model_version: int
    at: str
    window_start: str
    window_end: str
    predictions: int
    labelled: int
    unknown: int
    waiting: int
    contradicted: int
    status: str
    words: str
    report: str


@dataclass(frozen=True, slots=True)
class PerformanceMeasure:
    """One measure in one part of the customers, with its 95 % interval.

    Attributes:
        dimension: 'all', 'segment', 'door' or 'week'.
        part: name of the segment or door, or '2026-W47'; 'all' of the dimension 'all'.
        measure: a name of `churn.evaluation.metrics.MEASURES`, of `decision_metrics`, or of `churn.evaluation.takings`.
        rows: customers that it was measured on.
    """

    dimension: str
    part: str
    measure: str
    source: Source
    value: float
    low: float | None
    high: float | None
    rows: int


Look = tuple[PerformanceRun, tuple[PerformanceMeasure, ...]]


class PerformanceStore:
    """The tables of performance runs. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, run: PerformanceRun, measures: Sequence[PerformanceMeasure]) -> int:
        """Store a run and its measures in one transaction, and return the run's number."""
        with writing(self._engine) as connection:
            (run_id,) = connection.execute(insert(performance_runs), asdict(run)).inserted_primary_key or (0,)
            if measures:
                connection.execute(insert(performance_measures), [{"run_id": run_id, **_row(one)} for one in measures])
        return int(run_id)

    def latest(self, model_name: str) -> list[Look]:
        """Return the newest run of each version with its measures, the lowest version first."""
        newest = (
            select(func.max(performance_runs.c.id))
            .where(performance_runs.c.model_name == model_name)
            .group_by(performance_runs.c.model_version)
        )
        query = select(performance_runs).where(performance_runs.c.id.in_(newest))
        with reading(self._engine) as connection:
            runs = connection.execute(query.order_by(performance_runs.c.model_version)).mappings().all()
            return [(_run(row), _measures(connection, row["id"])) for row in runs]

    def history(self, model_name: str, *, model_version: int | None = None, limit: int = 50) -> list[PerformanceRun]:
        """Return the newest runs, newest first."""
        query: Select[Any] = select(performance_runs).where(performance_runs.c.model_name == model_name)
        if model_version is not None:
            query = query.where(performance_runs.c.model_version == model_version)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(performance_runs.c.id.desc()).limit(limit)).mappings()
            return [_run(row) for row in rows]


def _row(measure: PerformanceMeasure) -> dict[str, object]:
    return {**asdict(measure), "part": measure.part[:LONGEST_PART]}


def _run(row: RowMapping) -> PerformanceRun:
    return PerformanceRun(**{name: row[name] for name in PerformanceRun.__dataclass_fields__})


def _measures(connection: Connection, run_id: int) -> tuple[PerformanceMeasure, ...]:
    table = performance_measures.c
    query = select(performance_measures).where(table.run_id == run_id)
    rows = connection.execute(query.order_by(table.dimension, table.part, table.measure, table.source)).mappings()
    names = PerformanceMeasure.__dataclass_fields__
    return tuple(PerformanceMeasure(**{name: row[name] for name in names}) for row in rows)
