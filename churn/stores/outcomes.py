"""Outcomes: what became of customers, stored once however often it is sent."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Engine, func, select

from churn.scoring.outcome import Outcome
from churn.scoring.prediction import utc_now
from churn.stores.tables import outcomes
from churn.stores.transactions import reading, writing
from churn.stores.upserts import insert_or_ignore


class OutcomeStore:
    """The table of outcomes. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, found: Sequence[Outcome]) -> int:
        """Store outcomes in one transaction, those that are known already left as they are.

        Returns:
            How many were new.
        """
        recorded_at = utc_now()
        rows = {one.outcome_id: {**asdict(one), "recorded_at": recorded_at} for one in found}
        if not rows:
            return 0
        with writing(self._engine) as connection:
            insert = insert_or_ignore(outcomes, connection.dialect.name)
            return connection.execute(insert, [{"outcome_id": key, **row} for key, row in rows.items()]).rowcount

    def count(self, model_name: str) -> int:
        """Return how many outcomes of a model's customers are known."""
        query = select(func.count()).select_from(outcomes).where(outcomes.c.model_name == model_name)
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one()
