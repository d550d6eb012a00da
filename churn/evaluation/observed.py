"""How good a version's answers were, once it is known who left: every measure, the base rate and the money.

Intervals are 95 %, over customers. Those of money take the offer's success at its mean: they hold which customers
happened to come, not what is not known of the offer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.stats import binomtest, t

from churn.contract.economics import Economics
from churn.evaluation.intervals import Estimate, estimate
from churn.retention.profit import realised_profit

MOST_DRAWN, FEWEST_DRAWS = 20_000_000, 200
"""Rows drawn in all: 1,000 resamples of 20,000 customers, fewer of more, 200 at least."""

MONEY = ("profit", "profit_contact_all", "profit_ahead_of_all")
"""Per customer, contacted or not: of the decisions, of contacting everybody, and the difference; nobody earns 0."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What customers were answered; each array of shape (rows,).

    Attributes:
        probability: of leaving.
        is_at_risk: what was decided: these are contacted.
        value: worth in the contract's currency; None: nothing is known of it.
        threshold: probability from which a customer counts as at risk.
    """

    probability: np.ndarray
    is_at_risk: np.ndarray
    value: np.ndarray | None
    threshold: float

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.probability)

    def only(self, rows: np.ndarray) -> Self:
        """Return some of them, by mask or places."""
        value = None if self.value is None else self.value[rows]
        return type(self)(self.probability[rows], self.is_at_risk[rows], value, self.threshold)


def observe(
    answers: Answers, target: np.ndarray, economics: Economics | None, *, resamples: int = 1000, seed: int = 0
) -> dict[str, Estimate]:
    """Return every measure of some answers with its interval.

    Args:
        answers: at least one of somebody who left, and one of somebody who stayed.
        target: 1 for customers who left, else 0; shape (rows,).
        economics: what contacting costs and earns; None: no money is told.
        resamples: how often customers are drawn, with few customers.
        seed: of the draws.
    """
    draws = min(resamples, max(FEWEST_DRAWS, MOST_DRAWN // len(answers)))
    found = estimate(target, answers.probability, threshold=answers.threshold, resamples=draws, seed=seed)
    return {**found, "base_rate": base_rate(target), **dict(_money(answers, target, economics))}


def base_rate(target: np.ndarray) -> Estimate:
    """Return the share of leavers with Wilson's interval."""
    found = binomtest(int(target.sum()), len(target))
    low, high = found.proportion_ci(method="wilson")
    return Estimate(float(target.mean()), float(low), float(high))


def _money(answers: Answers, target: np.ndarray, economics: Economics | None) -> Iterator[tuple[str, Estimate]]:
    if economics is None or answers.value is None:
        return
    decided, everybody = (
        realised_profit(target, contacted, answers.value, economics)
        for contacted in (answers.is_at_risk, np.ones(len(answers), bool))
    )
    yield from zip(MONEY, map(_mean, (decided, everybody, decided - everybody)), strict=True)


def _mean(amounts: np.ndarray) -> Estimate:
    value = float(amounts.mean())
    error = amounts.std(ddof=1) / np.sqrt(len(amounts)) if len(amounts) > 1 else np.inf
    half = float(t.isf(0.025, max(len(amounts) - 1, 1)) * error)
    return Estimate(value, value - half, value + half)
