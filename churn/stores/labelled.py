"""Predictions with their outcomes, once these are due: who left, and who was still there when the horizon had passed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from churn.scoring.prediction import Prediction


@dataclass(frozen=True, slots=True)
class LabelledPrediction:
    """One prediction that was answered, and what became of its customer within the horizon.

    Attributes:
        churned: 1 or 0.
        known_at: when the outcome was due: the prediction's moment and the horizon. Before it nobody counts, not even
            a customer who has left already: the early ones are all leavers.
    """

    prediction: Prediction
    churned: int
    known_at: datetime


class LabelledStore:
    """Joins predictions and outcomes. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def labelled(
        self,
        model_name: str,
        *,
        horizon: timedelta,
        until: datetime,
        since: datetime | None = None,
        model_version: int | None = None,
        limit: int = 200_000,
    ) -> Sequence[LabelledPrediction]:
        """Return labelled predictions whose outcome was due in [since, until), newest last, one for each customer.

        Args:
            horizon: the contract's.
            until: usually now.
            since: None: from the beginning.
        """
        raise NotImplementedError
