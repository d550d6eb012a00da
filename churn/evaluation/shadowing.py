"""A shadow held against production on live customers, before anybody knows who leaves; numpy only: doors import it.

Without outcomes nobody can say which of two versions is right. What can be said: how often they decide alike, how far
their probabilities lie apart, and what each one's campaign earns if some probabilities are taken for true. Each version
looks good by its own; so the difference is told by production's, by the shadow's, and by their mean, and a gain that
only one of them promises is no gain yet.

Intervals are 95 %, over customers drawn with replacement, with all their rows (Efron, 1979).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from churn.evaluation.resampling import draw_customers

RESAMPLES = 400
TAILS = (0.025, 0.975)
LEVELS = ("LOW", "MEDIUM", "HIGH")

ExpectedProfit = Callable[[np.ndarray], np.ndarray]
"""Profit of contacting each customer, of shape (rows,), if these probabilities of shape (rows,) are true."""


@dataclass(frozen=True, slots=True)
class View:
    """What one version makes of the customers; each array of shape (rows,).

    Attributes:
        probability: of leaving.
        is_at_risk: whom its threshold calls at risk: they are contacted.
        level: LOW, MEDIUM or HIGH.
    """

    probability: np.ndarray
    is_at_risk: np.ndarray
    level: np.ndarray


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over customers, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ExpectedCampaigns:
    """What contacting those at risk is expected to earn, per customer of the traffic, contacted or not.

    Attributes:
        taken_for_true: whose probabilities.
        production: profit of whom production calls at risk.
        shadow: profit of whom the shadow calls at risk.
        difference: the shadow's less production's.
    """

    taken_for_true: str
    production: float
    shadow: float
    difference: Mean


@dataclass(frozen=True, slots=True)
class ShadowComparison:
    """What live customers tell of two versions. Differences are the shadow's less production's.

    Attributes:
        rows: predictions that both made.
        customers: distinct ones among them.
        agreement: share of equal decisions.
        production_at_risk: share of customers that production calls at risk.
        shadow_at_risk: likewise.
        difference: of the probabilities.
        absolute_difference: of the probabilities.
        largest_difference: of one customer's probabilities.
        correlation: of the probabilities; None where one of them does not vary.
        rank_correlation: of their order.
        levels: predictions by production's risk level, then by the shadow's.
        levels_changed: predictions whose risk level differs.
        profit: expected, by what is taken for true; empty without economics.
    """

    rows: int
    customers: int
    agreement: Mean
    production_at_risk: float
    shadow_at_risk: float
    difference: Mean
    absolute_difference: Mean
    largest_difference: float
    correlation: float | None
    rank_correlation: float | None
    levels: dict[str, dict[str, int]]
    levels_changed: int
    profit: tuple[ExpectedCampaigns, ...]


def compare_shadow(
    production: View,
    shadow: View,
    customers: np.ndarray,
    expected: ExpectedProfit | None = None,
    *,
    seed: int = 0,
) -> ShadowComparison:
    """Hold a shadow against production.

    Args:
        production: what was answered.
        shadow: what would have been; the same rows.
        customers: whose rows they are, of shape (rows,); at least one row.
        expected: what contacting earns; None: nobody knows.
        seed: of the resamples.
    """
    apart = shadow.probability - production.probability
    is_equal = production.is_at_risk == shadow.is_at_risk
    campaigns = [] if expected is None else list(_campaigns(production, shadow, expected))
    differences = [mine - theirs for _, theirs, mine in campaigns]
    agreement, signed, absolute, *gains = _means([is_equal, apart, np.abs(apart), *differences], customers, seed)
    return ShadowComparison(
        rows=len(apart),
        customers=len(np.unique(customers)),
        agreement=agreement,
        production_at_risk=float(production.is_at_risk.mean()),
        shadow_at_risk=float(shadow.is_at_risk.mean()),
        difference=signed,
        absolute_difference=absolute,
        largest_difference=float(np.abs(apart).max()),
        correlation=_correlation(production.probability, shadow.probability),
        rank_correlation=_correlation(_ranks(production.probability), _ranks(shadow.probability)),
        levels=_levels(production.level, shadow.level),
        levels_changed=int((production.level != shadow.level).sum()),
        profit=tuple(
            ExpectedCampaigns(name, float(theirs.mean()), float(mine.mean()), gain)
            for (name, theirs, mine), gain in zip(campaigns, gains, strict=True)
        ),
    )


def _campaigns(
    production: View, shadow: View, expected: ExpectedProfit
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield whose probabilities are taken for true, and what both campaigns earn with each customer then."""
    by_production, by_shadow = expected(production.probability), expected(shadow.probability)
    yield "production", by_production * production.is_at_risk, by_production * shadow.is_at_risk
    yield "shadow", by_shadow * production.is_at_risk, by_shadow * shadow.is_at_risk
    mean = expected((production.probability + shadow.probability) / 2)
    yield "mean of both", mean * production.is_at_risk, mean * shadow.is_at_risk
    yield "each its own", by_production * production.is_at_risk, by_shadow * shadow.is_at_risk


def _means(columns: list[np.ndarray], customers: np.ndarray, seed: int) -> list[Mean]:
    """Return the mean of each column; customers are drawn with all their rows, the same for all columns."""
    unit = np.unique(customers, return_inverse=True)[1]
    sums = np.column_stack([np.bincount(unit, weights=column) for column in (*columns, np.ones(len(unit)))])
    drawn = np.concatenate([counts @ sums for counts in draw_customers(len(sums), resamples=RESAMPLES, seed=seed)])
    low, high = np.quantile(drawn[:, :-1] / drawn[:, -1:], TAILS, axis=0)
    values = sums[:, :-1].sum(axis=0) / sums[:, -1].sum()
    return [Mean(*map(float, three)) for three in zip(values, low, high, strict=True)]


def _correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    if min(np.ptp(first), np.ptp(second)) <= 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return each value's rank; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def _levels(production: np.ndarray, shadow: np.ndarray) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {level: {} for level in LEVELS}
    for before, after in product(LEVELS, LEVELS):
        found[before][after] = int(((production == before) & (shadow == after)).sum())
    return found
