"""The figures of a contender, with intervals; what the issue asked of Telco; and who is ahead of whom."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.science.contestants import AVERAGED, PLAIN
from benchmarks.science.measured import CHOSEN, OURS, Contender, Measured
from churn.contract.economics import Beta, Economics
from churn.evaluation.comparison import Comparison, compare, compare_training
from churn.evaluation.empc import expected_maximum_profit
from churn.evaluation.intervals import Estimate, estimate
from pipelines.ingest import Customers

VALUE = 200.0
ECONOMICS = Economics(customer_value=VALUE, offer_cost=10, contact_cost=1, offer_success=Beta(alpha=6, beta=14))
"""What Verbraken et al. (2013) and the studies after them assume."""

GAIN = "empc_gain"
SHOWN = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "brier": "Brier",
    "calibration_slope": "slope",
    "calibration_error": "ECE",
    "lift_at_10_percent": "lift at 10 %",
    GAIN: "EMPC gain",
}
STACK = OURS.format("stack")
RIVALS = (
    *(name for name in PLAIN if name.startswith(("CatBoost", "LightGBM", "logistic"))),
    AVERAGED,
)


@dataclass(frozen=True, slots=True)
class Goal:
    """What the project set out to reach on the 19 columns of Telco."""

    measure: str
    words: str
    is_reached: Callable[[float], bool]


TELCO_GOALS = (
    Goal("roc_auc", "≥ 0.850", lambda value: value >= 0.850),
    Goal("pr_auc", "≥ 0.668", lambda value: value >= 0.668),
    Goal("brier", "≤ 0.1332", lambda value: value <= 0.1332),
    Goal("calibration_slope", "0.95 – 1.05", lambda value: 0.95 <= value <= 1.05),
    Goal("lift_at_10_percent", "≥ 2.9", lambda value: value >= 2.9),
    Goal(GAIN, "≥ 3.5", lambda value: value >= 3.5),
)


@dataclass(frozen=True, slots=True)
class Duel:
    """One contender less another: these scores on other customers, and the ways of training."""

    first: str
    second: str
    of_scores: dict[str, Comparison]
    of_training: Comparison


def figures(customers: Customers, contender: Contender) -> dict[str, Estimate]:
    """Return every measure of SHOWN with its 95 % interval; the mean over repeats."""
    found = estimate(customers.labels, contender.scores, groups=customers.groups)
    return {**found, GAIN: empc_gain(customers, contender.scores)}


def empc_gain(customers: Customers, scores: np.ndarray) -> Estimate:
    """Return the gain over contacting everybody; value and ends of the interval are means over the repeats."""
    found = [_empc(customers, one) for one in np.atleast_2d(scores)]
    return Estimate(*np.mean(found, axis=0).tolist())


def duels(measured: Measured) -> Iterator[Duel]:
    """Yield what was chosen, and the stack, against what a user would pick instead."""
    rivals = [*([f"{measured.table.alone} alone"] if measured.table.alone else []), *RIVALS]
    for first in filter(None, map(measured.contender, (CHOSEN, STACK))):
        for second in filter(None, map(measured.contender, rivals)):
            yield _duel(measured, first, second)


def _duel(measured: Measured, first: Contender, second: Contender) -> Duel:
    labels, groups = measured.customers.labels, measured.customers.groups
    sides = (labels, first.scores, second.scores)
    of_scores = {name: compare(*sides, measure=name, groups=groups) for name in ("roc_auc", "pr_auc", "brier")}
    return Duel(first.name, second.name, of_scores, compare_training(*sides, measured.folds))


def _empc(customers: Customers, scores: np.ndarray) -> tuple[float, float, float]:
    tested = ~np.isnan(scores)
    groups = None if customers.groups is None else customers.groups[tested]
    labels = customers.labels[tested]
    found = expected_maximum_profit(labels, scores[tested], ECONOMICS, value=VALUE, groups=groups)
    return found.gain_over_contact_all, found.low, found.high
