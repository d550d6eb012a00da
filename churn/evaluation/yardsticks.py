"""Yardsticks: what the model's campaign earned beside contacting all, nobody, a random few, and those who did leave."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from churn.contract.economics import Economics
from churn.evaluation.profit_curve import campaign_draws
from churn.evaluation.scored import Scored
from churn.retention.profit import expected_profit, gain_when_leaving

MODEL = "the model, from its threshold"
Reached = tuple[str, str, np.ndarray]
"""Name, words, and the share of each customer that is contacted: 0, 1, or the chance of it; shape (rows,)."""


@dataclass(frozen=True, slots=True)
class Yardstick:
    """One way to choose whom to contact, and what it earned; money is per customer of the table, contacted or not.

    The 95 % intervals are over customers and over the offer's success; the difference is paired: the same customers and
    the same success on both sides.

    Attributes:
        name: of the way.
        words: who is contacted.
        contacted: share of customers.
        profit: realised, at the mean success.
        low: lower end of its interval.
        high: upper end of it.
        model_ahead: profit of the model at its threshold minus this profit.
        ahead_low: lower end of its interval.
        ahead_high: upper end of it.
    """

    name: str
    words: str
    contacted: float
    profit: float
    low: float
    high: float
    model_ahead: float
    ahead_low: float
    ahead_high: float


def yardsticks(scored: Scored, economics: Economics, threshold: float, *, seed: int = 0) -> tuple[Yardstick, ...]:
    """Return every way to choose, the model's first.

    Args:
        scored: customers with outcomes.
        economics: costs, and the distribution of the offer's success.
        threshold: probability from which the model contacts.
        seed: of the resamples.
    """
    ways = list(_ways(scored, economics, threshold))
    reached = np.column_stack([chosen for _, _, chosen in ways])
    slope, offset = scored.earnings(economics)
    share = economics.offer_success.mean
    profit = (share * slope + offset) @ reached / len(scored)
    drawn = _drawn(scored, (slope[:, None] * reached, offset[:, None] * reached), economics, seed)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    ahead_low, ahead_high = np.quantile(drawn[:, :1] - drawn, [0.025, 0.975], axis=0)
    return tuple(
        Yardstick(
            name=name,
            words=words,
            contacted=float(chosen.mean()),
            profit=float(profit[i]),
            low=float(low[i]),
            high=float(high[i]),
            model_ahead=float(profit[0] - profit[i]),
            ahead_low=float(ahead_low[i]),
            ahead_high=float(ahead_high[i]),
        )
        for i, (name, words, chosen) in enumerate(ways)
    )


def _ways(scored: Scored, economics: Economics, threshold: float) -> Iterator[Reached]:
    """Yield the ways; a random campaign is its exact expectation: everybody is contacted with the same chance."""
    rows = len(scored)
    called = (scored.probability >= threshold).astype(float)
    promising = expected_profit(scored.probability, scored.value, economics) > 0
    saved = (scored.target == 1) & (gain_when_leaving(scored.value, economics) > 0)
    yield MODEL, f"probability of {threshold:.3f} or more", called
    yield (
        "the model, by expected profit",
        "expected profit above 0, from probability and worth",
        promising.astype(float),
    )
    yield "contact all", "every customer", np.ones(rows)
    yield "do nothing", "nobody", np.zeros(rows)
    yield "random", "as many as the model, drawn by lot: the mean over all draws", np.full(rows, called.mean())
    yield "oracle", "those who do leave and are worth it: no model can know", saved.astype(float)


def _drawn(scored: Scored, earnings: tuple[np.ndarray, np.ndarray], economics: Economics, seed: int) -> np.ndarray:
    """Return the profit of each way in each resample, shape (resamples, ways)."""
    slope, offset = earnings
    return np.array(
        [
            (success * (count @ slope) + count @ offset) / count.sum()
            for count, success in campaign_draws(scored, economics, seed)
        ]
    )
