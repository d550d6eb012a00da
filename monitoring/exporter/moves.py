"""Moves of production, and decisions to train, as they are counted in the store."""

from collections import Counter
from collections.abc import Iterable
from itertools import product
from typing import get_args

from sqlalchemy import Engine

from churn import metrics
from churn.stores.agreement import ALIASES, Stray
from churn.stores.counts import CountStore
from churn.stores.promotions import Action, PromotionLog, Status
from churn.stores.retrain_decisions import Choice
from monitoring.exporter.facts import Facts, Series, alone, from_zero, seconds

MOVES = from_zero(product(get_args(Action), get_args(Status)))
CHOICES = from_zero((choice,) for choice in get_args(Choice))


def move_facts(engine: Engine, model: str) -> Facts:
    """Return what is known of promotions, rollbacks and retraining."""
    counts = CountStore(engine, model)
    decided = counts.last_decision()
    return {
        metrics.PROMOTIONS: {**MOVES, **counts.moves()},
        metrics.MOVES_UNFINISHED: _unfinished(engine, model),
        metrics.PROMOTION_LAST: {(action,): seconds(at) for action, at in counts.last_moves().items()},
        metrics.RETRAIN_DECISIONS: {**CHOICES, **counts.decisions()},
        metrics.RETRAIN_LAST: alone(seconds(decided)) if decided else {},
    }


def _unfinished(engine: Engine, model: str) -> Series:
    found = Counter(move.alias for move in PromotionLog(engine).unfinished(model))
    return {(alias,): found[alias] for alias in ALIASES}


def stray_facts(strays: Iterable[Stray]) -> Facts:
    """Return which aliases are not where our log says."""
    outside = {stray.alias for stray in strays}
    return {metrics.ALIAS_OUTSIDE: {(alias,): alias in outside for alias in ALIASES}}
