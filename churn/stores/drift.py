"""Drift runs: what the drift job found, column by column."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Engine, RowMapping, insert, select

from churn.stores.tables import drift_columns, drift_runs
from churn.stores.transactions import reading, writing


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


@dataclass(frozen=True, slots=True)
class DriftColumn:
    """What one run found in one column."""

    column_name: str
    method: str
    value: float
    threshold: float
    is_drifted: bool


class DriftStore:
    """The tables of drift runs. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, run: DriftRun, columns: Sequence[DriftColumn]) -> int:
        """Store a run and its columns in one transaction, and return the run's number."""
        with writing(self._engine) as connection:
            (run_id,) = connection.execute(insert(drift_runs), _to_row(run)).inserted_primary_key or (0,)
            if columns:
                connection.execute(insert(drift_columns), [{"run_id": run_id, **_to_row(each)} for each in columns])
        return int(run_id)

    def latest(self, model_name: str) -> tuple[DriftRun, tuple[DriftColumn, ...]] | None:
        """Return the newest run of a model and its columns by name; None when there was no run."""
        newest = select(drift_runs).where(drift_runs.c.model_name == model_name).order_by(drift_runs.c.id.desc())
        with reading(self._engine) as connection:
            run = connection.execute(newest.limit(1)).mappings().first()
            if run is None:
                return None
            of_run = select(drift_columns).where(drift_columns.c.run_id == run["id"])
            columns = connection.execute(of_run.order_by(drift_columns.c.column_name)).mappings().all()
        return _to_run(run), tuple(_to_column(each) for each in columns)


def _to_row(value: DriftRun | DriftColumn) -> dict[str, object]:
    return {**asdict(value), "is_drifted": int(value.is_drifted)}


def _to_run(row: RowMapping) -> DriftRun:
    fields = {name: row[name] for name in DriftRun.__dataclass_fields__}
    return DriftRun(**{**fields, "is_drifted": bool(row["is_drifted"])})


def _to_column(row: RowMapping) -> DriftColumn:
    fields = {name: row[name] for name in DriftColumn.__dataclass_fields__}
    return DriftColumn(**{**fields, "is_drifted": bool(row["is_drifted"])})
