"""What a canary and production answered meanwhile: each customer's newest answer, and what became of the customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, func, select

from churn.scoring.prediction import utc_text
from churn.stores.tables import outcomes, predictions
from churn.stores.transactions import reading

MOST = 50_000
"""Customers of a group, those who were answered last."""


@dataclass(frozen=True, slots=True)
class Newest:
    """One customer's newest answer of a group.

    Attributes:
        churned: 1 or 0, as was seen last after the answer; None: nothing was heard since.
    """

    customer_id: str
    predicted_at: str
    probability: float
    churn_prediction: int
    expected_profit: float | None
    churned: int | None


class CanaryStore:
    """Reads both groups. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(
        self, model_name: str, version: int, *, role: str, since: datetime | None, limit: int = MOST
    ) -> list[Newest]:
        """Return the customers whom a version answered in a role, each by the newest answer."""
        with reading(self._engine) as connection:
            rows = connection.execute(_newest(_conditions(model_name, version, role, since), limit)).all()
        return [Newest(*row) for row in rows]

    def count(self, model_name: str, version: int, *, role: str, since: datetime | None) -> int:
        """Return how many answers there are."""
        conditions = _conditions(model_name, version, role, since)
        with reading(self._engine) as connection:
            return connection.execute(select(func.count()).select_from(predictions).where(*conditions)).scalar_one()


def _conditions(model_name: str, version: int, role: str, since: datetime | None) -> Sequence[Any]:
    from_then = [] if since is None else [predictions.c.predicted_at >= utc_text(since)]
    table = predictions.c
    return [table.model_name == model_name, table.model_version == version, table.role == role, *from_then]


def _newest(conditions: Sequence[Any], limit: int) -> Select[Any]:
    table = predictions.c
    newest_first = (table.predicted_at.desc(), table.prediction_id.desc())
    place = func.row_number().over(partition_by=table.customer_id, order_by=newest_first).label("place")
    facts = (table.model_name, table.customer_id, table.predicted_at, table.probability, table.churn_prediction)
    found = select(*facts, table.expected_profit, place).where(*conditions).subquery()
    seen = (
        select(outcomes.c.churned)
        .where(
            outcomes.c.model_name == found.c.model_name,
            outcomes.c.customer_id == found.c.customer_id,
            outcomes.c.observed_at >= found.c.predicted_at,
        )
        .order_by(outcomes.c.observed_at.desc(), outcomes.c.recorded_at.desc())
        .limit(1)
        .correlate(found)
        .scalar_subquery()
    )
    answered = (found.c.customer_id, found.c.predicted_at, found.c.probability, found.c.churn_prediction)
    return (
        select(*answered, found.c.expected_profit, seen)
        .where(found.c.place == 1)
        .order_by(found.c.predicted_at.desc())
        .limit(limit)
    )
