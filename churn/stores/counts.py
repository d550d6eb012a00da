"""Counts: how many rows of each kind a table of the store has, each in one query."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, Engine, Table, func, select

from churn.stores.predictions import HEARD
from churn.stores.tables import jobs, outcomes, predictions, promotions, releases, retrain_decisions, stage_runs
from churn.stores.transactions import reading

Counts = Mapping[tuple[str, ...], int]
"""Rows by the texts of some columns."""

Moments = Mapping[str, str]
"""Newest moment by the text of one column; moments as `churn.scoring.prediction.utc_text` writes them."""


class CountStore:
    """Counts one model's rows. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine, model_name: str) -> None:
        self._engine, self._model = engine, model_name

    def predictions(self) -> Counts:
        """Count what customers were answered, by version. It reads every one of them: not for every scrape."""
        return self._counts(predictions, predictions.c.model_version, where=predictions.c.role.in_(HEARD))

    def outcomes(self) -> Counts:
        """Count outcomes, by whether the customer left: 0 or 1."""
        return self._counts(outcomes, outcomes.c.churned)

    def moves(self) -> Counts:
        """Count moves of production, by action and status."""
        return self._counts(promotions, promotions.c.action, promotions.c.status)

    def last_moves(self) -> Moments:
        """Return when production last moved, by action."""
        return self._newest(promotions.c.at, promotions.c.action, where=promotions.c.status == "done")

    def releases(self) -> Counts:
        """Count releases, by status."""
        return self._counts(releases, releases.c.status)

    def jobs(self) -> Counts:
        """Count jobs, by kind and status."""
        return self._counts(jobs, jobs.c.kind, jobs.c.status)

    def failures(self) -> Counts:
        """Count runs that failed, by stage."""
        return self._counts(stage_runs, stage_runs.c.stage, where=stage_runs.c.status == "failed")

    def last_runs(self) -> Moments:
        """Return when each stage last began."""
        return self._newest(stage_runs.c.started_at, stage_runs.c.stage)

    def last_successes(self) -> Moments:
        """Return when each stage last ended well."""
        return self._newest(stage_runs.c.finished_at, stage_runs.c.stage, where=stage_runs.c.status == "done")

    def decisions(self) -> Counts:
        """Count decisions to train and to wait."""
        return self._counts(retrain_decisions, retrain_decisions.c.decision)

    def last_decision(self) -> str | None:
        """Return when it was last decided whether to train; None: never."""
        newest = self._newest(retrain_decisions.c.at, retrain_decisions.c.model_name)
        return newest.get(self._model)

    def _counts(self, table: Table, *by: Column[Any], where: ColumnElement[bool] | None = None) -> Counts:
        query = select(*by, func.count()).where(table.c.model_name == self._model).group_by(*by)
        with reading(self._engine) as connection:
            rows = connection.execute(query if where is None else query.where(where)).all()
        return {tuple(map(str, row[:-1])): int(row[-1]) for row in rows}

    def _newest(self, moment: Column[Any], by: Column[Any], *, where: ColumnElement[bool] | None = None) -> Moments:
        query = select(by, func.max(moment)).where(by.table.c.model_name == self._model).group_by(by)
        with reading(self._engine) as connection:
            rows = connection.execute(query if where is None else query.where(where)).all()
        return {str(name): str(newest) for name, newest in rows if newest is not None}
