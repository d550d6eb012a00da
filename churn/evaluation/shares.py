"""Shares of customers, such as recall or a churn rate, with their intervals."""

from math import hypot, nan

from scipy.stats import binomtest

from churn.evaluation.intervals import Estimate


def share(hits: int, of: int) -> Estimate:
    """Return a share with Wilson's 95 % interval (1927); nan when nobody could be counted."""
    if not of:
        return Estimate(nan, nan, nan)
    interval = binomtest(hits, of).proportion_ci(method="wilson")
    return Estimate(hits / of, float(interval.low), float(interval.high))


def difference(first: Estimate, second: Estimate) -> Estimate:
    """Return first - second of two independent shares, with its interval (Newcombe, 1998, method 10)."""
    value = first.value - second.value
    return Estimate(
        value,
        value - hypot(first.value - first.low, second.high - second.value),
        value + hypot(first.high - first.value, second.value - second.low),
    )
