"""Customers and their money, by the newest prediction that each was answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, case, func, select

from churn.scoring.prediction import utc_text
from churn.stores.predictions import HEARD
from churn.stores.tables import predictions
from churn.stores.transactions import reading


@dataclass(frozen=True, slots=True)
class CustomerGroup:
    """Customers of one segment and risk level; money in the contract's currency.

    Attributes:
        segment: None: their version had no segments.
        expected_loss: of all of them together.
        expected_profit: of contacting those of them with whom it is expected to earn something.
    """

    segment: str | None
    risk_level: str
    customers: int
    expected_loss: float
    expected_profit: float


class BusinessStore:
    """Sums over customers. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def groups(self, model_name: str, *, since: datetime) -> Sequence[CustomerGroup]:
        """Return everybody who was predicted for since a moment, each once.

        It reads all predictions since then: seconds for a million.
        """
        newest = _numbered(model_name, utc_text(since)).subquery()
        worth_it = case((newest.c.expected_profit > 0, newest.c.expected_profit), else_=0.0)
        sums = (func.count(), func.coalesce(func.sum(newest.c.expected_loss), 0.0), func.sum(worth_it))
        by = (newest.c.segment, newest.c.risk_level)
        query = select(*by, *sums).where(newest.c.place == 1).group_by(*by)
        with reading(self._engine) as connection:
            return [CustomerGroup(*row) for row in connection.execute(query)]


def _numbered(model_name: str, since: str) -> Select[Any]:
    """Number each customer's predictions, the newest first."""
    table = predictions.c
    newest_first = (table.predicted_at.desc(), table.prediction_id.desc())
    place = func.row_number().over(partition_by=table.customer_id, order_by=newest_first).label("place")
    facts = (table.segment, table.risk_level, table.expected_loss, table.expected_profit)
    return select(*facts, place).where(
        table.model_name == model_name, table.role.in_(HEARD), table.predicted_at >= since
    )
