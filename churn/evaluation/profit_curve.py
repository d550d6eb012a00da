"""Profit by campaign size: what contacting the first 10, 20, … % of customers earns, and the best size."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from churn.contract.economics import Economics
from churn.evaluation.resampling import bootstrap_counts
from churn.evaluation.scored import Scored

SHARES = np.arange(101) / 100
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class ProfitCurve:
    """Profit per customer of the table, contacted or not, by campaign size; 95 % intervals.

    Attributes:
        shares: share of customers contacted, shape (sizes,); 0 first, 1 last.
        profit: shape (sizes,).
        low: lower end of its interval, over customers and over the offer's success; shape (sizes,).
        high: upper end, likewise.
        best_share: size with the highest profit at the mean success.
        best_profit: profit there. The size was chosen on the same customers: a little too high.
        best_share_low: lower end of the best size's interval, over customers and over the offer's success.
        best_share_high: upper end, likewise.
    """

    shares: np.ndarray
    profit: np.ndarray
    low: np.ndarray
    high: np.ndarray
    best_share: float
    best_profit: float
    best_share_low: float
    best_share_high: float


def profit_curve(scored: Scored, economics: Economics, ranking: np.ndarray, *, seed: int = 0) -> ProfitCurve:
    """Return the profit by campaign size when customers are contacted in order of a ranking, highest first.

    Customers of equal rank are contacted in random order: the curve is what that earns on average.

    Args:
        scored: customers with outcomes.
        economics: costs, and the distribution of the offer's success.
        ranking: the probability, or the expected profit; shape (rows,).
        seed: of the resamples.
    """
    steps = _Steps(scored, economics, ranking)
    found = steps.curve(np.ones(len(scored)), economics.offer_success.mean)
    drawn = np.array(
        [
            np.append(np.interp(SHARES, *curve), curve[0][curve[1].argmax()])
            for curve in (steps.curve(weight, share) for weight, share in campaign_draws(scored, economics, seed))
        ]
    )
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return ProfitCurve(
        shares=SHARES,
        profit=np.interp(SHARES, *found),
        low=low[:-1],
        high=high[:-1],
        best_share=float(found[0][found[1].argmax()]),
        best_profit=float(found[1].max()),
        best_share_low=float(low[-1]),
        best_share_high=float(high[-1]),
    )


def campaign_draws(scored: Scored, economics: Economics, seed: int) -> Iterator[tuple[np.ndarray, float]]:
    """Yield how often each row is drawn, shape (rows,), and how often the offer works.

    The same seed gives the same draws, so that two answers about one campaign can be subtracted.
    """
    rng, success = np.random.default_rng([seed, 1]), economics.offer_success
    for count in bootstrap_counts(len(scored), RESAMPLES, groups=scored.groups, seed=seed):
        yield count, float(rng.beta(success.alpha, success.beta))


class _Steps:
    """Customers sorted once: a step of the curve is everybody of one rank."""

    def __init__(self, scored: Scored, economics: Economics, ranking: np.ndarray) -> None:
        _, self._place = np.unique(-ranking, return_inverse=True)
        self._slope, self._offset = scored.earnings(economics)

    def curve(self, weight: np.ndarray, success: float) -> tuple[np.ndarray, np.ndarray]:
        """Return share contacted and profit per customer after each step, from doing nothing to contacting all."""
        size = self._total(weight)
        profit = self._total(weight * (success * self._slope + self._offset))
        return size / size[-1], profit / size[-1]

    def _total(self, amount: np.ndarray) -> np.ndarray:
        return np.concatenate([[0.0], np.cumsum(np.bincount(self._place, weights=amount))])
