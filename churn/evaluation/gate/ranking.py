"""How well versions rank the same rows: ROC-AUC with what each row adds to it (DeLong et al., 1988)."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

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


def rank(target: np.ndarray, probability: np.ndarray) -> Ranked:
    """Measure how well leavers are ranked above stayers; there must be both.

    Args:
        target: 1 for those who left, else 0; shape (rows,).
        probability: shape (rows,).
    """
    left = target == 1
    leavers, stayers = float(left.sum()), float((~left).sum())
    among_all, among_own = rankdata(probability), np.empty(len(target))
    for kind in (left, ~left):
        among_own[kind] = rankdata(probability[kind])
    others_below = (among_all - among_own) / np.where(left, stayers, leavers)
    right = np.where(left, others_below, 1 - others_below)
    roc_auc = float(right[left].mean())
    return Ranked(roc_auc, (right - roc_auc) * len(target) / np.where(left, leavers, stayers))
