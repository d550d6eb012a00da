"""What was recorded of a version, and whether its bundle says the same: a second opinion on the doors' word."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import Engine

from churn.errors import StoreError
from churn.scoring.prediction import Prediction
from churn.scoring.replaying import INPUTS, LAST_BITS, replayed
from churn.scoring.scorer import Scorer
from churn.stores.predictions import PredictionStore

log = logging.getLogger(__name__)

AT_ONCE = 500
"""Predictions that are computed again at one look: milliseconds."""

LATE_SECONDS = 10.0
"""A record may come so long after its moment."""


class Records:
    """The recorded predictions of one version, read as they come.

    Attributes:
        replayed: how many were computed again.
        mismatched: of those, how many the bundle says otherwise.
        away: why the store did not answer last time; "" when it did.
    """

    def __init__(self, engine: Engine, scorer: Scorer, since: datetime) -> None:
        self.replayed = self.mismatched = 0
        self.away = ""
        self._store, self._scorer, self._since = PredictionStore(engine), scorer, since
        self._known: dict[str, None] = {}

    def read(self) -> None:
        """Compute again what was recorded since the last time; a store that is away is asked again later."""
        try:
            coming = [one for one in self._coming() if one.prediction_id not in self._known]
        except StoreError as error:
            self.away = str(error)
            return
        self.away = ""
        if not coming:
            return
        self.replayed += len(coming)
        found = replayed(self._scorer, coming)
        self.mismatched += sum(each.field == INPUTS or not each.apart <= LAST_BITS for each in found)
        self._remember(coming)

    def _coming(self) -> list[Prediction]:
        return self._store.window(
            self._scorer.name, model_version=self._scorer.version, since=self._since, limit=AT_ONCE
        )

    def _remember(self, coming: list[Prediction]) -> None:
        self._known.update(dict.fromkeys(one.prediction_id for one in coming))
        newest = datetime.fromisoformat(coming[-1].predicted_at)
        self._since = max(self._since, newest - timedelta(seconds=LATE_SECONDS))
        for old in list(self._known)[: -20 * AT_ONCE]:
            del self._known[old]
