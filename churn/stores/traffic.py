"""Traffic: how many predictions were answered, window by window, in one pass over the table."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from sqlalchemy import ColumnElement, Engine, case, exists, func, select

from churn.scoring.prediction import utc_text
from churn.stores.predictions import HEARD
from churn.stores.tables import predictions
from churn.stores.transactions import reading


class TrafficStore:
    """Counts what customers were answered. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def counts(self, model_name: str, edges: Sequence[datetime]) -> list[int]:
        """Return how often a model answered, all versions, from each edge to before the next.

        Args:
            model_name: the registered model.
            edges: at least two, ascending.
        """
        texts = [utc_text(edge) for edge in edges]
        at = predictions.c.predicted_at
        inside = [func.sum(case(((at >= low) & (at < high), 1), else_=0)) for low, high in pairwise(texts)]
        query = select(*inside).where(*_answered(model_name), at >= texts[0], at < texts[-1])
        with reading(self._engine) as connection:
            return [int(count or 0) for count in connection.execute(query).one()]

    def had_any(self, model_name: str, *, before: datetime) -> bool:
        """Say whether a model had answered anything before a moment."""
        earlier = exists().where(*_answered(model_name), predictions.c.predicted_at < utc_text(before))
        with reading(self._engine) as connection:
            return bool(connection.execute(select(earlier)).scalar_one())


def _answered(model_name: str) -> tuple[ColumnElement[bool], ...]:
    return predictions.c.model_name == model_name, predictions.c.role.in_(HEARD)
