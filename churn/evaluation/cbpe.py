"""What performance may be expected before outcomes arrive: confidence-based performance estimation (CBPE).

If probabilities are calibrated, p of the customers with a probability of p leave: the expected confusion matrix, and
all measures of it, follow from the probabilities alone, as NannyML does it. It sees customers that are harder to tell
apart. It can't see that the same customers leave for other reasons than before: then its premise is wrong, and only
outcomes show it.

The band is that of the figure that will be observed on these very customers, in 95 of 100 cases, if the probabilities
are still calibrated: outcomes are drawn from them again and again.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from churn.contract.economics import Economics
from churn.evaluation.counted import COUNTED, Counted, CountedMeasure, counted_at
from churn.evaluation.intervals import TAILS, Estimate
from churn.evaluation.observed import MONEY, Answers
from churn.retention.profit import expected_profit

DRAWS = 400
CELLS = 1_000_000
"""Outcomes that are held in memory at once."""

LEFT_OUT = frozenset({"calibration_slope"})
"""It is 1 by the premise."""


def expect(answers: Answers, economics: Economics | None, *, draws: int = DRAWS, seed: int = 0) -> dict[str, Estimate]:
    """Return the expected measures of answers whose outcomes nobody knows yet.

    Args:
        answers: at least two.
        economics: what contacting costs and earns; None: no money is told.
        draws: how often outcomes are drawn.
        seed: of the draws.
    """
    known = {name: how for name, how in COUNTED.items() if name not in LEFT_OUT}
    measures = {**known, **counted_at(answers.threshold), "base_rate": _base_rate}
    places = _Places(answers.probability)
    expected = places.count(answers.probability[None, :])
    drawn: list[dict[str, np.ndarray]] = []
    with np.errstate(divide="ignore", invalid="ignore"):
        values = _values(measures, expected)
        for outcomes in _draws(answers.probability, draws, seed):
            money = dict(_money(answers, outcomes, economics))
            drawn.append({**_values(measures, places.count(outcomes)), **money})
    values |= dict(_money(answers, answers.probability[None, :], economics))
    return {
        name: _band(float(value[0]), np.concatenate([some[name] for some in drawn])) for name, value in values.items()
    }


class _Places:
    """Customers sorted once; those of equal probability share a place."""

    def __init__(self, probability: np.ndarray) -> None:
        self._order = np.argsort(-probability, kind="stable")
        negated, self._starts, counts = np.unique(-probability[self._order], return_index=True, return_counts=True)
        self._scores, self._customers = -negated, counts.astype(np.float64)

    def count(self, leaving: np.ndarray) -> Counted:
        """Count leavers at each probability; `leaving` has shape (draws, rows), and may hold shares."""
        leavers = np.add.reduceat(leaving[:, self._order].astype(np.float64), self._starts, axis=1)
        customers = np.broadcast_to(self._customers, leavers.shape)
        found, called = np.cumsum(leavers, axis=1), np.cumsum(customers, axis=1)
        return Counted(self._scores, leavers, customers - leavers, found, called)


def _draws(probability: np.ndarray, draws: int, seed: int) -> Iterator[np.ndarray]:
    rng, step = np.random.default_rng(seed), max(1, CELLS // len(probability))
    for start in range(0, draws, step):
        yield rng.random((min(step, draws - start), len(probability))) < probability


def _values(measures: Mapping[str, CountedMeasure], counted: Counted) -> dict[str, np.ndarray]:
    return {name: how(counted) for name, how in measures.items()}


def _base_rate(counted: Counted) -> np.ndarray:
    return np.asarray(counted.found[:, -1] / counted.called[:, -1])


def _money(answers: Answers, leaving: np.ndarray, economics: Economics | None) -> Iterator[tuple[str, np.ndarray]]:
    """Profit is a line in who leaves, so it is a product with the draws."""
    if economics is None or answers.value is None:
        return
    stays, leaves = (expected_profit(share, answers.value, economics) for share in (0.0, 1.0))
    sides = np.column_stack([answers.is_at_risk, np.ones(len(answers)), answers.is_at_risk - 1.0])
    profit = (stays @ sides + leaving.astype(np.float64) @ ((leaves - stays)[:, None] * sides)) / len(answers)
    yield from zip(MONEY, profit.T, strict=True)


def _band(value: float, drawn: np.ndarray) -> Estimate:
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Estimate(value, np.nan, np.nan)
    low, high = np.quantile(drawn, TAILS)
    return Estimate(value, min(float(low), value), max(float(high), value))
