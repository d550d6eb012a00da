"""The threshold: from which probability a customer is called, and why."""

from dataclasses import dataclass

import numpy as np

from churn.contract.economics import Economics
from churn.contract.policy import RECALL_WITHOUT_ECONOMICS, Policy
from churn.evaluation.metrics import decision_metrics, threshold_for_recall
from churn.evaluation.resampling import bootstrap_counts
from churn.evaluation.scored import Scored
from churn.retention.profit import expected_profit

RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class BestThreshold:
    """The probability from which contacting pays.

    Attributes:
        value: the threshold.
        low: lower end of the 95 % interval of what the outcomes alone say, over customers.
        high: upper end of it.
        is_theory: the value follows from the probabilities; else from the outcomes, which contradict them.
    """

    value: float
    low: float
    high: float
    is_theory: bool


def choose_threshold(policy: Policy, economics: Economics | None, scored: Scored) -> tuple[float, str]:
    """Return the threshold, and the reason in words.

    With economics it is the one with the highest profit, and a wanted recall can only lower it. Without, it is the
    highest that finds the wanted share of those who leave.
    """
    recall = policy.recall_at_least
    if economics is None:
        wanted = recall or RECALL_WITHOUT_ECONOMICS
        threshold = threshold_for_recall(scored.target, scored.probability, wanted)
        return threshold, f"finds at least {wanted:.0%} of those who leave; {_outcome(scored, threshold)}"
    best = best_threshold(scored, economics)
    if recall is not None:
        floor = threshold_for_recall(scored.target, scored.probability, recall)
        if floor < best.value:
            words = f"lowered from {best.value:.3f}, where profit is highest, to find {recall:.0%} of those who leave"
            return floor, f"{words}; {_outcome(scored, floor)}"
    return best.value, f"{_reason(best)}; {_outcome(scored, best.value)}"


def best_threshold(
    scored: Scored, economics: Economics, *, success: float | None = None, seed: int = 0
) -> BestThreshold:
    """Return the threshold with the highest profit.

    The realised profit by threshold is noisy, and its highest point wanders. The profit that calibrated probabilities
    promise, p · γ · (V - d) - (1 - p) · d - f, is not: the threshold with the highest sum of it is taken when the
    outcomes agree, that is when it lies in the bootstrap interval of their own best threshold; else the median of that.

    Args:
        scored: customers with outcomes.
        economics: the costs, and how often the offer works.
        success: γ, when it is not the mean of `economics.offer_success`.
        seed: of the resamples.
    """
    share = economics.offer_success.mean if success is None else success
    slope, offset = scored.earnings(economics)
    earned = share * slope + offset
    best_of = _Thresholds(scored.probability).best
    theory, _ = best_of(expected_profit(scored.probability, scored.value, economics, share))
    counts = bootstrap_counts(len(scored), RESAMPLES, groups=scored.groups, seed=seed)
    drawn = np.array([best_of(count * earned) for count in counts])
    low, high = float(np.quantile(drawn[:, 0], 0.025)), float(np.quantile(drawn[:, 1], 0.975))
    middle = float(np.median(drawn.mean(axis=1)))
    is_theory = bool(low <= theory <= high)
    return BestThreshold(theory if is_theory else middle, low, high, is_theory)


class _Thresholds:
    """Every threshold that divides customers differently, sorted once.

    Each lies half-way between the last customer who is called and the next, so that it does not hang on either.
    """

    def __init__(self, probability: np.ndarray) -> None:
        self._order = np.argsort(-probability, kind="stable")
        ranked = probability[self._order]
        self._ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
        borders = np.concatenate([[1.0], ranked[self._ends], [0.0]])
        self._between = (borders[:-1] + borders[1:]) / 2

    def best(self, profit: np.ndarray) -> tuple[float, float]:
        """Return the lowest and the highest threshold whose customers' profits, of shape (rows,), sum up highest."""
        sums = np.append(0.0, np.cumsum(profit[self._order])[self._ends])
        is_best = np.flatnonzero(sums == sums.max())
        return float(self._between[is_best[-1]]), float(self._between[is_best[0]])


def _reason(best: BestThreshold) -> str:
    span = f"the outcomes say between {best.low:.3f} and {best.high:.3f}"
    if best.is_theory:
        return f"the expected profit is highest there, and {span}"
    return f"the realised profit is highest there ({span}); the probabilities promise another, so look at calibration"


def _outcome(scored: Scored, threshold: float) -> str:
    found = decision_metrics(scored.target, scored.probability, threshold)
    return f"it calls {found['at_risk']:.0%} of customers and finds {found['recall']:.0%} of those who leave"
