"""Drift runs: what the drift job found, column by column and method by method."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, RowMapping, Select, insert, select

from churn.stores.tables import drift_measures, drift_runs
from churn.stores.transactions import reading, writing

FLAGS = ("is_drifted", "prediction_drifted", "volume_changed")
"""Fields of a run that are numbers in the database."""


@dataclass(frozen=True, slots=True)
class DriftRun:
    """One run of the drift job. Moments are text, as `churn.scoring.prediction.utc_text` writes it."""

    model_name: str
    model_version: int
    at: str
    window_start: str
    window_end: str
    rows: int
    drifted_share: float
    """Share of the columns that drifted, 0 … 1."""

    is_drifted: bool
    report: str
    """Path or address of the report for people."""

    status: str = "measured"
    """'drift', 'no drift', 'not enough data'; 'measured' in runs of before there was a status."""

    prediction_drifted: bool | None = None
    unreadable_rows: int | None = None
    profit_change: float | None = None
    """What the drift changes in expected profit per customer, in the contract's currency; None: not computed."""

    profit_change_low: float | None = None
    profit_change_high: float | None = None
    """Its 95 % interval."""

    rows_per_hour: float | None = None
    usual_rows_per_hour: float | None = None
    """Median of earlier windows of the same length; None: there were too few."""

    volume_changed: bool | None = None
    """Whether the volume left what is usual; None: too few earlier windows to say."""

    reference_rows: int | None = None
    words: str | None = None
    """The verdict in a sentence."""


@dataclass(frozen=True, slots=True)
class DriftMeasure:
    """What one method found in one column.

    Attributes:
        is_decisive: this method speaks for the column: the first that found drift, else the first of all.
    """

    column_name: str
    method: str
    value: float
    threshold: float
    is_drifted: bool
    is_decisive: bool


class DriftStore:
    """The tables of drift runs. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, run: DriftRun, measures: Sequence[DriftMeasure]) -> int:
        """Store a run and its measures in one transaction, and return the run's number."""
        with writing(self._engine) as connection:
            (run_id,) = connection.execute(insert(drift_runs), _to_row(run)).inserted_primary_key or (0,)
            if measures:
                connection.execute(insert(drift_measures), [{"run_id": run_id, **_to_row(each)} for each in measures])
        return int(run_id)

    def latest(self, model_name: str) -> tuple[DriftRun, tuple[DriftMeasure, ...]] | None:
        """Return the newest run of a model and its measures by column; None when there was no run."""
        with reading(self._engine) as connection:
            run = connection.execute(_newest(model_name, 1)).mappings().first()
            if run is None:
                return None
            of_run = select(drift_measures).where(drift_measures.c.run_id == run["id"])
            by_name = of_run.order_by(drift_measures.c.column_name, drift_measures.c.method)
            measures = connection.execute(by_name).mappings().all()
        return _to_run(run), tuple(_to_measure(each) for each in measures)

    def history(self, model_name: str, limit: int = 50) -> list[DriftRun]:
        """Return the newest runs of a model, newest first, those without enough data among them."""
        with reading(self._engine) as connection:
            return [_to_run(row) for row in connection.execute(_newest(model_name, limit)).mappings()]


def _newest(model_name: str, limit: int) -> Select[Any]:
    of_model = select(drift_runs).where(drift_runs.c.model_name == model_name)
    return of_model.order_by(drift_runs.c.id.desc()).limit(limit)


def _to_row(value: DriftRun | DriftMeasure) -> dict[str, object]:
    return {name: int(fact) if isinstance(fact, bool) else fact for name, fact in asdict(value).items()}


def _to_run(row: RowMapping) -> DriftRun:
    fields = {name: row[name] for name in DriftRun.__dataclass_fields__}
    flags = {name: None if row[name] is None else bool(row[name]) for name in FLAGS}
    return DriftRun(**{**fields, **flags})


def _to_measure(row: RowMapping) -> DriftMeasure:
    fields = {name: row[name] for name in DriftMeasure.__dataclass_fields__}
    return DriftMeasure(**{**fields, "is_drifted": bool(row["is_drifted"]), "is_decisive": bool(row["is_decisive"])})
