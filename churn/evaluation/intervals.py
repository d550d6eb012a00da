"""Every measure with a 95 % interval over customers: what another draw of customers would have given the same scores.

Customers are drawn with replacement (Efron, 1979), with all their rows when they are grouped, and each draw is the same
in all repeats. How the draws become an interval differs, because no one way held 95 % for every measure in simulation:

- on a scale where the measure is nearly normal (log-odds of ROC-AUC and PR-AUC; logarithm of Brier score and log loss;
  the slope itself): value ± half the width of the draws' middle 95 %, back on its own scale;
- precision, recall, F1 and the share at risk: Wilson's interval (1927) of a share, of as many independent customers as
  the variance of the draws speaks of;
- lift: percentiles of the draws;
- calibration error: noise adds to it, so draws would add it twice. Instead: which true gaps between predicted and
  observed shares, as multiples of those seen, give an error like the one seen in 95 of 100 draws? The low end is 0 when
  noise alone may have made it.

Training again is not in these intervals: `comparison` holds ways of training against each other. Few groups (below
about 40) make intervals too narrow.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from churn.evaluation.counted import COUNTED, CountedMeasure, Ranking, bin_gaps, counted_at
from churn.evaluation.metrics import MEASURES, decision_metrics
from churn.evaluation.resampling import draw_customers

TAILS = (0.025, 0.975)
SMALLEST = 1e-9

Scale = tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]
LOG_ODDS: Scale = (lambda share: logit(np.clip(share, SMALLEST, 1 - SMALLEST)), expit)
LOGARITHM: Scale = (lambda loss: np.log(np.maximum(loss, SMALLEST)), np.exp)
AS_IT_IS: Scale = (np.asarray, np.asarray)

SCALES: dict[str, Scale] = {
    "roc_auc": LOG_ODDS,
    "pr_auc": LOG_ODDS,
    "brier": LOGARITHM,
    "log_loss": LOGARITHM,
    "calibration_slope": AS_IT_IS,
}
"""Measures that are nearly normal on some scale."""

SHARES = frozenset({"precision", "recall", "f1", "at_risk"})
NORMAL = 1.959964

MULTIPLES = np.linspace(0, 4, 81)
"""True gaps that are tried, as multiples of the gaps seen."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure's value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f} – {self.high:.4f})"


def estimate(
    target: np.ndarray,
    scores: np.ndarray,
    *,
    threshold: float | None = None,
    groups: np.ndarray | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return every measure of `metrics.MEASURES` with its interval; the mean over repeats.

    Args:
        target: 1 for customers who left, else 0; shape (rows,).
        scores: pooled out-of-fold probabilities, shape (rows,) or (repeats, rows); NaN where a row was never tested.
        threshold: adds precision, recall, F1 and the share of customers at risk.
        groups: rows that belong together share a value; shape (rows,).
        resamples: how often customers are drawn.
        seed: of the draws.
    """
    repeats = np.atleast_2d(scores)
    rankings = [Ranking(target, one) for one in repeats]
    measures = {**COUNTED, **(counted_at(threshold) if threshold is not None else {})}
    draws = draw_customers(len(target), groups=groups, resamples=resamples, seed=seed)
    drawn, gaps = _measure(rankings, measures, draws)
    values = _values(target, repeats, threshold)
    error = _calibration_error(values.pop("calibration_error"), _gaps_seen(rankings), gaps)
    found = {name: _interval(name, value, drawn[name]) for name, value in values.items()}
    return {**found, "calibration_error": error}


def _measure(
    rankings: list[Ranking], measures: dict[str, CountedMeasure], draws: Iterator[np.ndarray]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return each measure of each resample, and the gaps of its bins: shape (resamples, repeats, bins)."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in measures}
    gaps = []
    with np.errstate(divide="ignore", invalid="ignore"):
        for drawn in draws:
            counted = [ranking.count(drawn) for ranking in rankings]
            for name, how in measures.items():
                found[name].append(np.mean([how(one) for one in counted], axis=0))
            gaps.append([bin_gaps(one, ranking.bins) for one, ranking in zip(counted, rankings, strict=True)])
    return {name: np.concatenate(parts) for name, parts in found.items()}, _joined(gaps)


def _joined(gaps: list[list[np.ndarray]]) -> np.ndarray:
    """Bins of all repeats side by side: ties may leave one repeat with fewer."""
    return np.concatenate([np.concatenate(part, axis=1) for part in gaps])


def _gaps_seen(rankings: list[Ranking]) -> np.ndarray:
    return np.concatenate([bin_gaps(one.count(np.ones((1, one.rows))), one.bins)[0] for one in rankings])


def _values(target: np.ndarray, repeats: np.ndarray, threshold: float | None) -> dict[str, float]:
    found = []
    for scores in repeats:
        tested = ~np.isnan(scores)
        labels, probability = target[tested], scores[tested]
        at = decision_metrics(labels, probability, threshold) if threshold is not None else {}
        found.append({**{name: how(labels, probability) for name, how in MEASURES.items()}, **at})
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def _interval(name: str, value: float, drawn: np.ndarray) -> Estimate:
    """Resamples of leavers or stayers only have no value and are passed over: small tables make some."""
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Estimate(value, np.nan, np.nan)
    if name in SHARES:
        return _wilson(value, float(drawn.var()))
    if name in SCALES:
        return _nearly_normal(value, drawn, SCALES[name])
    low, high = np.quantile(drawn, TAILS)
    return _around(value, low, high)


def _nearly_normal(value: float, drawn: np.ndarray, scale: Scale) -> Estimate:
    there, back = scale
    low, high = np.quantile(there(drawn), TAILS)
    middle, half = there(np.asarray(value)), (high - low) / 2
    return _around(value, back(middle - half), back(middle + half))


def _wilson(value: float, variance: float) -> Estimate:
    """Shares of 0 and 1 do not vary in draws: nothing is known then but the value."""
    spread = value * (1 - value)
    if spread <= 0 or variance <= 0:
        return Estimate(value, value, value)
    part = NORMAL**2 * max(variance / spread, SMALLEST)
    middle, half = value + part / 2, NORMAL * np.sqrt(variance + part**2 / (4 * NORMAL**2))
    return _around(value, (middle - half) / (1 + part), (middle + half) / (1 + part))


def _calibration_error(value: float, seen: np.ndarray, drawn: np.ndarray) -> Estimate:
    """Try multiples of the gaps seen, and keep those that noise turns into an error like the one seen."""
    noise, repeats = drawn - seen, value / max(np.abs(seen).sum(), SMALLEST)
    errors = np.array([np.abs(multiple * seen + noise).sum(axis=1) * repeats for multiple in MULTIPLES])
    at_most = (errors <= value).mean(axis=1)
    fits = MULTIPLES[(at_most >= TAILS[0]) & (at_most <= TAILS[1])]
    low, high = (fits.min(), fits.max()) if len(fits) else (0.0, 1.0)
    return _around(value, low * value, high * value)


def _around(value: float, low: float | np.ndarray, high: float | np.ndarray) -> Estimate:
    return Estimate(value, min(float(low), value), max(float(high), value))
