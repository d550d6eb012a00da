"""Outcomes: what became of customers, stored once however often it is sent."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Engine, func, select

from churn.scoring.prediction import utc_now
from churn.stores.tables import outcomes
from churn.stores.transactions import reading, writing
from churn.stores.upserts import insert_or_ignore


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Whether one customer had left, when somebody looked.

    Attributes:
        churned: 1 or 0.
        observed_at: UTC, as `utc_text` writes it.
        prediction_id: the prediction that it answers, when the sender knows.
        source: who brought it.
    """

    model_name: str
    customer_id: str
    churned: int
    observed_at: str
    prediction_id: str | None = None
    source: str

    @property
    def outcome_id(self) -> str:
        """Return the same id for the same fact: who sends it, and how often, is of no matter."""
        facts = (self.model_name, self.customer_id, self.observed_at, str(self.churned))
        return hashlib.sha256("\x1f".join(facts).encode()).hexdigest()


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
