"""How well versions rank the same rows: ROC-AUC with what each row adds to it (DeLong et al., 1988)."""

from dataclasses import dataclass

import numpy as np

FEWEST_OF_A_KIND = 20
"""Leavers, and stayers, without whom nothing is said of a ranking."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """ROC-AUC of some rows.

    Attributes:
        influence: what each row adds, with a mean of 0; shape (rows,).
    """

    roc_auc: float
    influence: np.ndarray


def is_rankable(target: np.ndarray) -> bool:
    """Say whether there are enough leavers and stayers."""
    leavers = int((target == 1).sum())
    return min(leavers, len(target) - leavers) >= FEWEST_OF_A_KIND


def places(probability: np.ndarray) -> np.ndarray:
    """Return the place of each probability among the distinct ones, 0 the lowest; int64 of shape (rows,)."""
    return np.unique(probability, return_inverse=True)[1]


def rank(target: np.ndarray, place: np.ndarray) -> Ranked:
    """Measure how well leavers are ranked above stayers; there must be both.

    Args:
        target: 1 for those who left, else 0; shape (rows,).
        place: from `places`, or some rows of it; shape (rows,).
    """
    left = target == 1
    leavers, stayers = left.sum(), (~left).sum()
    right = np.where(left, _below(place[~left], place) / stayers, 1 - _below(place[left], place) / leavers)
    roc_auc = float(right[left].mean())
    return Ranked(roc_auc, (right - roc_auc) * len(target) / np.where(left, leavers, stayers))


def _below(some: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Count who of some has a lower place, and half of those with the same."""
    counts = np.bincount(some, minlength=int(place.max()) + 1)
    return np.asarray((np.cumsum(counts) - counts / 2)[place])
