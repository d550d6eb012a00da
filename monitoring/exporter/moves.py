"""Moves of production, and decisions to train, as they are counted in the store."""

from itertools import product
from typing import get_args

from sqlalchemy import Engine

from churn import metrics
from churn.stores.counts import CountStore
from churn.stores.promotions import Action, Status
from churn.stores.retrain_decisions import Choice
from monitoring.exporter.facts import Facts, alone, from_zero, seconds

MOVES = from_zero(product(get_args(Action), get_args(Status)))
CHOICES = from_zero((choice,) for choice in get_args(Choice))


def move_facts(engine: Engine, model: str) -> Facts:
    """Return what is known of promotions, rollbacks and retraining."""
    counts = CountStore(engine, model)
    decided = counts.last_decision()
    return {
        metrics.PROMOTIONS: {**MOVES, **counts.moves()},
        metrics.PROMOTION_LAST: {(action,): seconds(at) for action, at in counts.last_moves().items()},
        metrics.RETRAIN_DECISIONS: {**CHOICES, **counts.decisions()},
        metrics.RETRAIN_LAST: alone(seconds(decided)) if decided else {},
    }
