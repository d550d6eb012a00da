"""Recorded predictions: stored once by their id, read by the drift job and by customer."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import orjson
from sqlalchemy import ColumnElement, Engine, Row, func, select, tuple_

from churn.scoring.prediction import Prediction, utc_now, utc_text
from churn.stores.log.writing import add_predictions
from churn.stores.tables import predictions
from churn.stores.transactions import reading, writing

NAMES = tuple(Prediction.__dataclass_fields__)
FIELDS = tuple(predictions.c[name] for name in NAMES)
IDS_AT_ONCE = 500
HEARD = ("production", "canary")
"""The roles of predictions that somebody was answered with."""


class PredictionStore:
    """The table of predictions. Every method raises StoreError when the database does not answer.

    Readers see what customers were answered; production's and the canary's; a shadow's
    predictions only when they ask for that role.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, records: Sequence[Prediction]) -> int:
        """Store records in one transaction; an id that is known already is left as it is.

        Returns:
            How many were new.

        Raises:
            RefusedError: the database will never take one of them; none is stored.
        """
        if not records:
            return 0
        recorded_at = utc_now()
        rows = [_to_row(record, recorded_at) for record in records]
        with writing(self._engine) as connection:
            return add_predictions(connection, rows)

    def window(
        self,
        model_name: str,
        *,
        model_version: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        roles: Sequence[str] = HEARD,
        limit: int = 50_000,
    ) -> list[Prediction]:
        """Return the newest `limit` predictions from `since` to before `until`, in the order of time."""
        query = (
            select(*FIELDS)
            .where(predictions.c.role.in_(roles), *_conditions(model_name, model_version, since, until))
            .order_by(predictions.c.predicted_at.desc(), predictions.c.prediction_id.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [_from_row(row) for row in reversed(rows)]

    def count(
        self,
        model_name: str | None = None,
        *,
        model_version: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        roles: Sequence[str] = HEARD,
    ) -> int:
        """Return how many predictions there are from `since` to before `until`."""
        conditions = (predictions.c.role.in_(roles), *_conditions(model_name, model_version, since, until))
        with reading(self._engine) as connection:
            return connection.execute(select(func.count()).select_from(predictions).where(*conditions)).scalar_one()

    def with_ids(self, ids: Sequence[str]) -> list[Prediction]:
        """Return the predictions of these ids that are stored, in the order of time."""
        found: list[Prediction] = []
        with reading(self._engine) as connection:
            for start in range(0, len(ids), IDS_AT_ONCE):
                some = predictions.c.prediction_id.in_(ids[start : start + IDS_AT_ONCE])
                found += [_from_row(row) for row in connection.execute(select(*FIELDS).where(some))]
        return sorted(found, key=lambda one: (one.predicted_at, one.prediction_id))

    def versions(
        self, model_name: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> dict[int, int]:
        """Return how many predictions of any role each version made, newest version first."""
        version = predictions.c.model_version
        query = (
            select(version, func.count())
            .where(*_conditions(model_name, None, since, until))
            .group_by(version)
            .order_by(version.desc())
        )
        with reading(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def pages(
        self,
        model_name: str,
        model_version: int,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        rows: int = 2_000,
    ) -> Iterator[list[Prediction]]:
        """Yield a version's predictions of any role, newest first, at most `rows` at a time.

        Each page is a transaction of its own that begins after the page before: what is recorded meanwhile moves no
        page, and no reader holds the database.
        """
        conditions = _conditions(model_name, model_version, since, until)
        place = tuple_(predictions.c.predicted_at, predictions.c.prediction_id)
        query = (
            select(*FIELDS)
            .where(*conditions)
            .order_by(predictions.c.predicted_at.desc(), predictions.c.prediction_id.desc())
            .limit(rows)
        )
        beyond: list[ColumnElement[bool]] = []
        while True:
            with reading(self._engine) as connection:
                page = [_from_row(row) for row in connection.execute(query.where(*beyond))]
            if page:
                yield page
            if len(page) < rows:
                return
            last = page[-1]
            # Said twice, so that MySQL, too, begins at this place of the index by version.
            beyond = [predictions.c.predicted_at <= last.predicted_at, place < (last.predicted_at, last.prediction_id)]

    def latest_for(self, customer_id: str, *, model_name: str | None = None) -> Prediction | None:
        """Return the newest prediction that was answered for a customer; None when there is none."""
        conditions = _conditions(model_name, None, None, None)
        query = (
            select(*FIELDS)
            .where(predictions.c.customer_id == customer_id, predictions.c.role.in_(HEARD), *conditions)
            .order_by(predictions.c.predicted_at.desc(), predictions.c.prediction_id.desc())
            .limit(1)
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return _from_row(row) if row else None


def _conditions(
    model_name: str | None, model_version: int | None, since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    conditions = []
    if model_name is not None:
        conditions.append(predictions.c.model_name == model_name)
    if model_version is not None:
        conditions.append(predictions.c.model_version == model_version)
    if since is not None:
        conditions.append(predictions.c.predicted_at >= utc_text(since))
    if until is not None:
        conditions.append(predictions.c.predicted_at < utc_text(until))
    return conditions


def _to_row(record: Prediction, recorded_at: str) -> dict[str, object]:
    values = {name: getattr(record, name) for name in NAMES}  # `asdict` copies deeply: four fifths of a relay's time
    return {**values, "inputs": orjson.dumps(record.inputs).decode(), "recorded_at": recorded_at}


def _from_row(row: Row[tuple[object, ...]]) -> Prediction:
    values = row._asdict()
    return Prediction(**{**values, "inputs": orjson.loads(values["inputs"])})
