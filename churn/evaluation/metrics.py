"""How good a set of probabilities is: discrimination, calibration and lift; `intervals` adds how sure each is."""

from collections.abc import Callable

import numpy as np
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

Measure = Callable[[np.ndarray, np.ndarray], float]
SMALLEST = 1e-9
BINS = 10
"""Groups of equal size in which predicted and observed shares are compared."""


def lift(target: np.ndarray, probability: np.ndarray, share: float) -> float:
    """Return how many times more leavers are among the top `share` of customers than among all.

    Customers with the score at the border count in part, each alike: the order of the rows is of no matter.
    """
    top = max(1, round(len(target) * share))
    border = np.sort(probability)[-top]
    above, at = probability > border, probability == border
    found = target[above].sum() + target[at].mean() * (top - above.sum())
    return float(found / top / target.mean())


def calibration_slope(target: np.ndarray, probability: np.ndarray) -> float:
    """Return the slope of the outcome on the log-odds: 1 is right, below 1 is overconfident (Cox, 1958)."""
    log_odds = logit(np.clip(probability, SMALLEST, 1 - SMALLEST))[:, None]
    return float(LogisticRegression(C=1e9).fit(log_odds, target).coef_[0, 0])


def calibration_error(target: np.ndarray, probability: np.ndarray) -> float:
    """Return the expected calibration error: the mean gap between predicted and observed share, over equal-mass bins.

    Noise alone makes it positive; `intervals.estimate` says how much of it may be noise.
    """
    bins = equal_mass_bins(probability)
    gaps = np.bincount(bins, weights=target - probability)
    return float(np.abs(gaps).sum() / len(target))


def equal_mass_bins(probability: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Return the bin of each probability, 0 the lowest; equal probabilities are never divided."""
    _, place, counts = np.unique(probability, return_inverse=True, return_counts=True)
    middles = (np.cumsum(counts) - counts / 2) / len(probability)
    return np.asarray(np.floor(middles * bins).astype(np.int64)[place])


MEASURES: dict[str, Measure] = {
    "roc_auc": lambda target, probability: float(roc_auc_score(target, probability)),
    "pr_auc": lambda target, probability: float(average_precision_score(target, probability)),
    "brier": lambda target, probability: float(brier_score_loss(target, probability)),
    "log_loss": lambda target, probability: float(log_loss(target, probability, labels=[0, 1])),
    "calibration_slope": calibration_slope,
    "calibration_error": calibration_error,
    "lift_at_10_percent": lambda target, probability: lift(target, probability, 0.1),
    "lift_at_20_percent": lambda target, probability: lift(target, probability, 0.2),
}
"""Every measure takes (target, probability), both of shape (rows,)."""


def measure(target: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Return every measure's value."""
    return {name: how(target, probability) for name, how in MEASURES.items()}


def decision_metrics(target: np.ndarray, probability: np.ndarray, threshold: float) -> dict[str, float]:
    """Return precision, recall, F1 and the share of customers at risk at a threshold."""
    at_risk = probability >= threshold
    hits = float((at_risk & (target == 1)).sum())
    precision = hits / at_risk.sum() if at_risk.any() else 0.0
    recall = hits / target.sum()
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1), "at_risk": float(at_risk.mean())}


def threshold_for_recall(target: np.ndarray, probability: np.ndarray, recall_at_least: float) -> float:
    """Return the highest threshold that still finds this share of those who leave."""
    leavers = np.sort(probability[target == 1])
    needed = max(1, int(np.ceil(np.round(len(leavers) * recall_at_least, 9))))  # rounded: 0.7 · 10 is a little above 7
    return float(leavers[len(leavers) - needed])
