"""What a model's reasons say over many customers: how much each column matters, and which act together.

Interactions are a statistic of the contributions themselves, so that every kind of model has it: exact SHAP interaction
values exist for single trees only. A column's contribution depends on its own value and, where it interacts, on other
columns. Its part that the own value explains is taken off; what then still differs between groups of another column is
their interaction, in log-odds.
"""

from dataclasses import dataclass

import numpy as np

from churn.contract.table import Columns

GROUPS = 8
"""Groups of a number's values, of about equal size; most categories that are told apart."""

FINE_GROUPS = 64
"""Groups in which a column's own effect is taken off: in wide ones its trend inside a group would be left, and be taken
for an interaction with every column that goes with it."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Contributions of many customers.

    Attributes:
        columns: graph-ready columns, in the order of the contributions.
        contributions: in log-odds, shape (rows, columns).
        base: log-odds that are expected before anything is known.
    """

    columns: Columns
    contributions: np.ndarray
    base: float

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(self.columns)

    def ranked(self) -> list[int]:
        """Return the columns' positions, the one that matters most first."""
        order: list[int] = np.argsort(-importance(self.contributions), kind="stable").tolist()
        return order


def importance(contributions: np.ndarray) -> np.ndarray:
    """Return the mean size of each column's contribution, in log-odds; shape (columns,)."""
    return np.asarray(np.abs(contributions).mean(axis=0))


def interactions(reasons: Reasons) -> np.ndarray:
    """Return how strongly each two columns act together, in log-odds: shape (columns, columns), symmetric, 0 inside."""
    groups = [groups_of(values) for values in reasons.columns.values()]
    width = len(groups)
    found = np.zeros((width, width))
    for one, values in enumerate(reasons.columns.values()):
        contribution, own = reasons.contributions[:, one], groups_of(values, most=FINE_GROUPS)
        residual = contribution - _means(contribution, own)[own]
        for other in range(width):
            if one != other:
                found[one, other] = _joint_spread(residual, groups[one], groups[other])
    return np.asarray((found + found.T) / 2)


def groups_of(values: np.ndarray, *, most: int = GROUPS) -> np.ndarray:
    """Return a group number per value, shape (rows,): equally many of a number, the most frequent of a category.

    Missing numbers are a group of their own.
    """
    if values.dtype == object:
        return _frequent(values, most)
    is_missing = np.isnan(values)
    if is_missing.all():
        return np.zeros(len(values), int)
    edges = np.unique(np.quantile(values[~is_missing], np.linspace(0, 1, most + 1)[1:-1]))
    return np.where(is_missing, 0, 1 + np.searchsorted(edges, values, side="left"))


def _frequent(values: np.ndarray, most: int) -> np.ndarray:
    _, found, counts = np.unique(values.astype(str), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    return np.asarray(np.minimum(place[found], most - 1))


def _joint_spread(residual: np.ndarray, own: np.ndarray, other: np.ndarray) -> float:
    """Spread between groups of the other column, within groups of the own; chance is taken off.

    The mean of n residuals varies by variance / n without any interaction, so as much is subtracted from what is found.
    """
    cell = own * (int(other.max()) + 1) + other
    count = np.bincount(cell)
    means = _means(residual, cell)
    filled = count > 1
    squares = np.bincount(cell, residual**2)
    variance = np.maximum(squares - count * means**2, 0) / np.maximum(count - 1, 1)
    explained = np.where(filled, count * means**2 - variance, 0.0)
    return float(np.sqrt(max(explained.sum() / len(residual), 0.0)))


def _means(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    return np.asarray(np.bincount(group, values) / np.maximum(np.bincount(group), 1))
