"""Does the candidate promise what comes true? Slope and mean gap, each held to a bound beyond what noise explains.

Slope: of the outcome on the log-odds of the probability (Cox, 1958), with an error that customers with several rows
do not make too small (sandwich; White, 1980). Gap: promised less observed shares in ten groups of equal size (the
expected calibration error), with the noise of so many rows taken out, and the probability that noise alone made such
gaps (Hosmer and Lemeshow, 1980; on rows that the candidate was not made from).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import chi2

from churn.evaluation.gate.measured import Measured, measure_by
from churn.evaluation.metrics import equal_mass_bins

NEAREST = 0.001
"""Probabilities nearer to 0 or 1 than this count as this near: one surprise is no proof of a wrong slope."""

STEPS = 25


@dataclass(frozen=True, slots=True)
class Gap:
    """The mean gap between promised and observed shares.

    Attributes:
        value: without the noise of so many rows.
        p_value: how often noise alone makes such gaps.
    """

    value: float
    p_value: float


def measure_slope(target: np.ndarray, probability: np.ndarray, groups: np.ndarray | None) -> Measured:
    """Return the slope, 1 when it is right and below 1 when the candidate is too sure; there must be both kinds.

    Args:
        target: 1 for those who left, else 0; shape (rows,).
        probability: shape (rows,).
        groups: as `measure_by` takes them.
    """
    log_odds = logit(np.clip(probability, NEAREST, 1 - NEAREST))
    if not np.ptp(log_odds):
        return Measured(1.0, np.inf, 1.0, len(target))
    design = np.column_stack([np.ones(len(target)), log_odds])
    weights, curve = _fit(design, target)
    surprise = design * (target - expit(design @ weights))[:, None]
    return measure_by(float(weights[1]), len(target) * (surprise @ np.linalg.inv(curve))[:, 1], groups)


def _fit(design: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit from what a calibrated candidate has; return weights and the curvature there."""
    weights, curve = np.array([0.0, 1.0]), np.eye(2)
    for _ in range(STEPS):
        chance = expit(design @ weights)
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, design.T @ (target - chance))
        weights = weights + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    return weights, curve


def measure_gap(target: np.ndarray, probability: np.ndarray, groups: np.ndarray | None) -> Gap:
    """Return the mean gap over ten groups of customers with like probabilities; arguments as of `measure_slope`."""
    bins = equal_mass_bins(probability)
    used = np.unique(bins)
    gaps = np.array([(target - probability)[bins == one].sum() for one in used])
    noise = np.array([_noise(target, probability, groups, bins == one) for one in used])
    surprise = float((gaps**2 / np.maximum(noise, np.finfo(float).tiny)).sum())
    beyond = np.sqrt(np.maximum(gaps**2 - noise, 0)).sum() / len(target)
    return Gap(float(beyond), float(chi2(len(used)).sf(surprise)))


def _noise(target: np.ndarray, probability: np.ndarray, groups: np.ndarray | None, here: np.ndarray) -> float:
    """Variance of a group's surplus of leavers when every probability is right, or by its customers when larger."""
    by_rows = float((probability * (1 - probability))[here].sum())
    if groups is None:
        return by_rows
    own = np.bincount(np.unique(groups[here], return_inverse=True)[1], weights=(target - probability)[here])
    return max(by_rows, float(np.square(own).sum()))
