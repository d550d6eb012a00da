"""How well one column alone tells who leaves: the area under its ROC curve, with numpy only."""

import numpy as np

from churn.contract.inference.profile import Profile

ENOUGH = 10
"""Customers that must have left, and stayed, before an area means anything."""

FOLDS = 5
BINS = 20
PRIOR_ROWS = 10.0


def missing_auc(column: Profile, left: np.ndarray) -> float:
    """Return how well "has a value" tells who left, 0.5 … 1.

    Args:
        column: the profile.
        left: bool of shape (rows,).
    """
    return _either_way(area(column.is_missing.astype(np.float64), left))


def signal_auc(column: Profile, left: np.ndarray) -> float:
    """Return how well the column's values tell who left, 0.5 … 1; a number also by its ranges."""
    return group_auc(column.codes, left) if column.kind == "category" else number_auc(column.numbers, left)


def number_auc(numbers: np.ndarray, left: np.ndarray) -> float:
    """Return how well a number tells who left, by its rank or by its ranges; NaN where it is missing."""
    has_value = ~np.isnan(numbers)
    ranked = area(numbers[has_value], left[has_value])
    return max(_either_way(ranked), group_auc(ranges(numbers), left))


def area(scores: np.ndarray, left: np.ndarray) -> float:
    """Return the area under the ROC curve, ties counted half; 0.5 when there are too few rows of either kind."""
    positives = int(left.sum())
    negatives = len(left) - positives
    if min(positives, negatives) < ENOUGH:
        return 0.5
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2
    ranks = mean_rank[place][left].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def _either_way(value: float) -> float:
    return max(value, 1 - value)


def ranges(numbers: np.ndarray) -> np.ndarray:
    """Return each number's quantile range, the missing ones in a range of their own."""
    present = numbers[~np.isnan(numbers)]
    edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1])) if len(present) else present
    return np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers))


def group_auc(groups: np.ndarray, left: np.ndarray) -> float:
    """Return how well a category tells who left: each row scored by its group's share in the other folds only.

    Args:
        groups: number of each row's category, from 0; shape (rows,).
        left: bool of shape (rows,).
    """
    folds = _folds(left)
    size = int(groups.max(initial=0)) + 1
    scores = np.zeros(len(groups))
    for fold in range(FOLDS):
        others, own = folds != fold, folds == fold
        leavers = np.bincount(groups[others], weights=left[others], minlength=size)
        customers = np.bincount(groups[others], minlength=size)
        shares = (leavers + PRIOR_ROWS * left.mean()) / (customers + PRIOR_ROWS)
        scores[own] = shares[groups[own]]
    return max(0.5, area(scores, left))


def _folds(left: np.ndarray) -> np.ndarray:
    """Deal the rows out evenly, those who left and the others apart: unequal shares would look like a signal."""
    folds = np.empty(len(left), np.int64)
    generator = np.random.default_rng(0)
    for group in (np.flatnonzero(left), np.flatnonzero(~left)):
        folds[generator.permutation(group)] = np.arange(len(group)) % FOLDS
    return folds
