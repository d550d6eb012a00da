"""A world of customers who were answered and then left, or stayed, as their probability says; told some time later."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from scipy.special import expit, logit
from sqlalchemy import Engine

from churn.scoring.outcome import Outcome
from churn.scoring.prediction import utc_text
from churn.stores.outcomes import OutcomeStore
from churn.stores.predictions import PredictionStore
from tests.churn.stores.records import PREDICTION

HORIZON_DAYS = 30
THRESHOLD = 0.3
SEGMENTS = ("new | small", "loyal <b>")
Truth = Callable[[np.ndarray], np.ndarray]
"""Probabilities as they were told → the share that leaves."""


def as_told(probability: np.ndarray) -> np.ndarray:
    return probability


def blind(probability: np.ndarray) -> np.ndarray:
    """Customers leave for reasons that the model does not know."""
    return np.full(len(probability), probability.mean())


@dataclass(frozen=True, slots=True)
class World:
    """Which customers live, and by what they leave."""

    seed: int = 0
    truth: Truth = as_told
    version: int = 1


def live_through(
    engine: Engine,
    days: tuple[datetime, datetime],
    rows: int,
    *,
    now: datetime,
    world: World = World(),
) -> None:
    """Predict customers on days of a span, and tell by `now` what is known: leavers at once, stayers at the end."""
    rng = np.random.default_rng(world.seed)
    probability = expit(rng.normal(logit(0.2), 1.5, rows))
    leaves = rng.random(rows) < world.truth(probability)
    moments = [days[0] + share * (days[1] - days[0]) for share in np.sort(rng.random(rows))]
    after = np.where(leaves, rng.uniform(0.1, HORIZON_DAYS, rows), HORIZON_DAYS + 0.5)
    predictions, outcomes = [], []
    for number, moment in enumerate(moments):
        seen = moment + timedelta(days=float(after[number]))
        share = float(probability[number])
        predictions.append(
            replace(
                PREDICTION,
                prediction_id=f"v{world.version}-s{world.seed}-{number}",
                customer_id=f"c{world.seed}-{number}",
                model_version=world.version,
                door=("bento", "fastapi")[number % 2],
                segment=SEGMENTS[number % 2],
                inputs={},
                probability=share,
                threshold=THRESHOLD,
                churn_prediction=int(share >= THRESHOLD),
                expected_loss=round(share * 600, 2),
                predicted_at=utc_text(moment),
            )
        )
        if seen <= now:
            outcomes.append(
                Outcome(
                    model_name="churn",
                    customer_id=f"c{world.seed}-{number}",
                    churned=int(leaves[number]),
                    observed_at=utc_text(seen),
                    source="the world",
                )
            )
    PredictionStore(engine).add(predictions)
    OutcomeStore(engine).add(outcomes)
