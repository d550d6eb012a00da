"""A canary held against production: two groups of customers, drawn by chance; numpy only: doors import it.

Who is the canary's is decided by a hash, so both groups are alike but for the version that answers them, and a
difference beyond chance is the version's. Intervals are 95 %, of the difference of two means (Welch); the distributions
are compared by Kolmogorov and Smirnov's statistic with its asymptotic p-value.
"""

import math
from dataclasses import dataclass

import numpy as np

NORMAL_95 = 1.959964
FEWEST = 2
"""Customers of each group, without whom nothing has an interval."""

TERMS = 100


@dataclass(frozen=True, slots=True)
class Answered:
    """One group's customers, each by the newest answer; each array of shape (customers,).

    Attributes:
        predictions: all answers of the group, not only the newest.
        probability: of leaving, as it was answered.
        is_at_risk: whom the version's threshold calls at risk.
        profit: expected of contacting, as it was answered; None without economics.
        churned: 1, 0, or NaN where no outcome is known.
    """

    predictions: int
    probability: np.ndarray
    is_at_risk: np.ndarray
    profit: np.ndarray | None
    churned: np.ndarray


@dataclass(frozen=True, slots=True)
class Difference:
    """The canary's mean, production's, and the first less the second with its interval; None: too few customers."""

    canary: float
    production: float
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class CanaryComparison:
    """What two groups of customers tell of two versions.

    Attributes:
        canary_customers: who were answered by the canary.
        production_customers: who were answered by production meanwhile.
        canary_predictions: answers of the canary.
        production_predictions: of production meanwhile.
        probability: of leaving.
        at_risk: share of customers who are called at risk.
        distance: largest difference of the probabilities' distributions, 0 … 1.
        p_value: of such a distance, or a larger one, by chance alone; None: too few customers.
        profit: promised per customer of the group, contacted or not; None without economics.
        canary_outcomes: customers of the canary of whom something was heard since.
        production_outcomes: of production.
        churned: share of those who left; None: no outcome in one of the groups.
    """

    canary_customers: int
    production_customers: int
    canary_predictions: int
    production_predictions: int
    probability: Difference
    at_risk: Difference
    distance: float
    p_value: float | None
    profit: Difference | None
    canary_outcomes: int
    production_outcomes: int
    churned: Difference | None


def compare_canary(canary: Answered, production: Answered) -> CanaryComparison:
    """Hold the canary's customers against production's; both have at least one."""
    distance, p_value = two_samples(canary.probability, production.probability)
    known = [group.churned[~np.isnan(group.churned)] for group in (canary, production)]
    profits = [None if group.profit is None else group.profit * group.is_at_risk for group in (canary, production)]
    return CanaryComparison(
        canary_customers=len(canary.probability),
        production_customers=len(production.probability),
        canary_predictions=canary.predictions,
        production_predictions=production.predictions,
        probability=difference(canary.probability, production.probability),
        at_risk=difference(canary.is_at_risk, production.is_at_risk),
        distance=distance,
        p_value=p_value,
        profit=None if profits[0] is None or profits[1] is None else difference(profits[0], profits[1]),
        canary_outcomes=len(known[0]),
        production_outcomes=len(known[1]),
        churned=difference(*known) if all(map(len, known)) else None,
    )


def difference(canary: np.ndarray, production: np.ndarray) -> Difference:
    """Return the means of two groups, each of shape (customers,), and what lies between them."""
    means = float(canary.mean()), float(production.mean())
    if min(len(canary), len(production)) < FEWEST:
        return Difference(*means, means[0] - means[1], None, None)
    error = math.sqrt(sum(float(group.var(ddof=1)) / len(group) for group in (canary, production)))
    value = means[0] - means[1]
    return Difference(*means, value, value - NORMAL_95 * error, value + NORMAL_95 * error)


def two_samples(first: np.ndarray, second: np.ndarray) -> tuple[float, float | None]:
    """Return Kolmogorov and Smirnov's distance of two samples, and its p-value; None: too few values for one."""
    places = np.sort(np.concatenate([first, second]))
    shares = [np.searchsorted(np.sort(each), places, side="right") / len(each) for each in (first, second)]
    distance = float(np.abs(shares[0] - shares[1]).max())
    if min(len(first), len(second)) < FEWEST:
        return distance, None
    size = math.sqrt(len(first) * len(second) / (len(first) + len(second)))
    return distance, _kolmogorov((size + 0.12 + 0.11 / size) * distance)


def _kolmogorov(statistic: float) -> float:
    """Return the chance of a larger statistic (Stephens, 1970)."""
    if statistic < 0.2:  # the series converges slowly there, and the chance is 1 to ten digits
        return 1.0
    terms = ((1 if n % 2 else -1) * math.exp(-2 * (n * statistic) ** 2) for n in range(1, TERMS))
    return min(1.0, max(0.0, 2 * sum(terms)))
