"""Shadows in the SQL store: which predictions have one, what its id is, and both sides of each pair."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Engine, Row, Select, and_, select

from churn.scoring.prediction import utc_text
from churn.stores.predictions import HEARD
from churn.stores.tables import predictions
from churn.stores.transactions import reading

SHADOW = "shadow"
DRAWS = 2**32
ROWS = 50_000


def shadow_id(version: int, prediction_id: str) -> str:
    """Return the id of a version's shadow of one prediction: always the same, so that it is stored once."""
    return hashlib.sha256(f"{SHADOW}:{version}:{prediction_id}".encode()).hexdigest()


def is_sampled(prediction_id: str, share: float) -> bool:
    """Say whether a prediction is in a share of all; always the same, and those of a smaller share are in a larger."""
    drawn = hashlib.sha256(prediction_id.encode()).digest()[:4]
    return int.from_bytes(drawn) < share * DRAWS


@dataclass(frozen=True, slots=True)
class Side:
    """What one version made of a customer."""

    version: int
    probability: float
    churn_prediction: int
    risk_level: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One customer at one moment, as production answered and as the shadow would have."""

    customer_id: str
    predicted_at: str
    inputs: Mapping[str, object]
    production: Side
    shadow: Side


class ShadowStore:
    """Both sides of what shadows were scored on. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def pairs(self, model_name: str, version: int, *, since: datetime | None = None, limit: int = ROWS) -> list[Pair]:
        """Return the newest `limit` pairs of one shadow, in the order of time."""
        with reading(self._engine) as connection:
            found = connection.execute(_query(model_name, version, since, limit)).all()
        # The query pairs by customer and moment, which have an index; the id says whether it is this very prediction.
        return [_pair(row) for row in reversed(found) if row.shadow_id == shadow_id(version, row.prediction_id)]


def _query(model_name: str, version: int, since: datetime | None, limit: int) -> Select[Any]:
    shadow, heard = predictions.alias("shadow"), predictions.alias("heard")
    is_same = and_(
        heard.c.customer_id == shadow.c.customer_id,
        heard.c.predicted_at == shadow.c.predicted_at,
        heard.c.role.in_(HEARD),
    )
    conditions = [
        shadow.c.model_name == model_name,
        shadow.c.model_version == version,
        shadow.c.role == SHADOW,
        *([shadow.c.predicted_at >= utc_text(since)] if since else []),
    ]
    sides = [
        table.c[name].label(f"{table.name}_{name}")
        for table in (heard, shadow)
        for name in ("model_version", "probability", "churn_prediction", "risk_level")
    ]
    named = (shadow.c.prediction_id.label("shadow_id"), heard.c.prediction_id, heard.c.customer_id)
    return (
        select(*named, heard.c.predicted_at, heard.c.inputs, *sides)
        .join_from(shadow, heard, is_same)
        .where(*conditions)
        .order_by(shadow.c.predicted_at.desc(), shadow.c.prediction_id.desc())
        .limit(limit)
    )


def _pair(row: Row[Any]) -> Pair:
    return Pair(
        customer_id=row.customer_id,
        predicted_at=row.predicted_at,
        inputs=orjson.loads(row.inputs),
        production=Side(
            row.heard_model_version, row.heard_probability, row.heard_churn_prediction, row.heard_risk_level
        ),
        shadow=Side(
            row.shadow_model_version, row.shadow_probability, row.shadow_churn_prediction, row.shadow_risk_level
        ),
    )
