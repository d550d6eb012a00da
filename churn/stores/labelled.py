"""Predictions with their outcomes, once these are due: who left, and who was still there at the horizon's end."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, and_, distinct, exists, func, or_, select

from churn.labels.sightings import Horizon, Sighting, Silence, label_of
from churn.scoring.prediction import Prediction, utc_text
from churn.stores.predictions import HEARD, PredictionStore
from churn.stores.tables import outcomes, predictions
from churn.stores.transactions import reading

AT_ONCE = 500
"""Predictions that are joined with outcomes in one query."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
NO_DELAY = timedelta(0)
LIGHT = (
    "prediction_id",
    "customer_id",
    "model_version",
    "door",
    "segment",
    "probability",
    "threshold",
    "churn_prediction",
    "expected_loss",
    "predicted_at",
)


@dataclass(frozen=True, slots=True)
class LabelledPrediction:
    """One prediction that was answered, and what became of its customer within the horizon.

    Attributes:
        churned: 1 or 0.
        known_at: when the outcome was due: the prediction's moment, the horizon and the delay of reports. Before it
            nobody counts, not even a customer who has left already: the early ones are all leavers.
    """

    prediction: Prediction
    churned: int
    known_at: datetime


@dataclass(frozen=True, slots=True)
class DuePrediction:
    """One prediction whose outcome is due, without its inputs. Fields as in `Prediction`.

    Attributes:
        churned: 1, 0, or None when nobody told.
        is_contradicted: the customer was reported as gone, and as there later.
    """

    prediction_id: str
    customer_id: str
    model_version: int
    door: str
    segment: str | None
    probability: float
    threshold: float
    churn_prediction: int
    expected_loss: float | None
    predicted_at: str
    churned: int | None
    is_contradicted: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Predictions of one model, by when they were made: [since, until).

    Attributes:
        model_version: None: of every version.
        limit: the newest so many.
    """

    model_name: str
    since: datetime
    until: datetime
    model_version: int | None = None
    limit: int = 200_000


class LabelledStore:
    """Joins predictions and outcomes. Every method raises StoreError when the database does not answer.

    Args:
        engine: of the churn store.
        silence: what it means that nothing was heard of a customer when his outcome was due.
        delay: how long after the horizon outcomes may still come in; before that none is due.
    """

    def __init__(self, engine: Engine, *, silence: Silence = "unknown", delay: timedelta = NO_DELAY) -> None:
        self._engine, self._silence, self._delay = engine, silence, delay

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
            model_name: of the registered model.
            horizon: the contract's.
            until: usually now.
            since: None: from the beginning.
            model_version: None: of every version, each customer once all the same.
            limit: the newest so many.
        """
        after = horizon + self._delay
        start = (since or EARLIEST + after) - after
        span = Span(model_name, start, until - after, model_version, limit)
        labels = {one.prediction_id: one.churned for one in self.due(span, horizon) if one.churned is not None}
        found = PredictionStore(self._engine).with_ids(list(labels))
        return [
            LabelledPrediction(one, labels[one.prediction_id], datetime.fromisoformat(one.predicted_at) + after)
            for one in found
        ]

    def due(self, span: Span, horizon: timedelta) -> list[DuePrediction]:
        """Return each customer's first prediction of a span, labelled where that is possible, in the order of time.

        Every prediction of the span has to be due already: it ends a horizon and the delay ago, or earlier.
        """
        found: list[DuePrediction] = []
        # Two connections: MySQL answers nothing else in one until the last row of a stream was read.
        with reading(self._engine) as stream, reading(self._engine) as connection:
            rows = stream.execution_options(stream_results=True).execute(_first_ones(span))
            for some in rows.partitions(AT_ONCE):
                found += self._labelled(connection, some, horizon)
        return found[::-1]

    def versions(self, span: Span) -> list[int]:
        """Return the versions that answered in a span, in their order."""
        query = select(predictions.c.model_version).where(*_inside(predictions, span)).distinct()
        with reading(self._engine) as connection:
            return sorted(connection.execute(query).scalars())

    def count(self, span: Span) -> int:
        """Return how many customers were predicted in a span."""
        query = select(func.count(distinct(predictions.c.customer_id))).where(*_inside(predictions, span))
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one()

    def _labelled(
        self, connection: Connection, rows: Sequence[Row[Any]], horizon: timedelta
    ) -> Iterator[DuePrediction]:
        seen = _sightings(connection, rows)
        for row in rows:
            times = _times(row.predicted_at, horizon)
            label = label_of(row.prediction_id, times, seen[row.model_name, row.customer_id], self._silence)
            facts = {name: getattr(row, name) for name in LIGHT}
            yield DuePrediction(**facts, churned=label.churned, is_contradicted=label.is_contradicted)


def _first_ones(span: Span) -> Select[Any]:
    """The newest first; without whom the same customer had one before in the span."""
    earlier = predictions.alias("earlier")
    is_earlier = or_(
        earlier.c.predicted_at < predictions.c.predicted_at,
        and_(
            earlier.c.predicted_at == predictions.c.predicted_at,
            earlier.c.prediction_id < predictions.c.prediction_id,
        ),
    )
    had_one = exists().where(
        earlier.c.customer_id == predictions.c.customer_id,
        earlier.c.predicted_at <= predictions.c.predicted_at,  # said twice, so that the index by customer is used
        *_inside(earlier, span),
        is_earlier,
    )
    return (
        select(predictions.c.model_name, *(predictions.c[name] for name in LIGHT))
        .where(*_inside(predictions, span), ~had_one)
        .order_by(predictions.c.predicted_at.desc(), predictions.c.prediction_id.desc())
        .limit(span.limit)
    )


def _inside(table: Any, span: Span) -> list[Any]:
    of_version = [] if span.model_version is None else [table.c.model_version == span.model_version]
    return [
        table.c.model_name == span.model_name,
        table.c.role.in_(HEARD),
        table.c.predicted_at >= utc_text(span.since),
        table.c.predicted_at < utc_text(span.until),
        *of_version,
    ]


def _sightings(connection: Connection, rows: Sequence[Row[Any]]) -> dict[tuple[str, str], list[Sighting]]:
    """Return by model and customer what was seen, in the order of time; of one moment the last word wins."""
    customers = {row.customer_id for row in rows}
    names = {row.model_name for row in rows}
    query = (
        select(outcomes)
        .where(outcomes.c.customer_id.in_(customers), outcomes.c.model_name.in_(names))
        .order_by(outcomes.c.customer_id, outcomes.c.observed_at, outcomes.c.recorded_at, outcomes.c.churned)
    )
    found: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.model_name, row.customer_id].append(Sighting(row.observed_at, row.churned, row.prediction_id))
    return found


def _times(predicted_at: str, horizon: timedelta) -> Horizon:
    begin = datetime.fromisoformat(predicted_at)
    return Horizon(predicted_at, utc_text(begin + horizon), utc_text(begin + 2 * horizon))
