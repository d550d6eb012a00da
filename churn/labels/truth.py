"""True labels of some customers, and how well a proxy label agrees with them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import cohen_kappa_score, precision_score, recall_score

from churn.contract.cells import text_of
from churn.data.files import read_table
from churn.errors import TableError

MINIMUM_COMMON = 20
Truth = dict[str, bool]
"""Customer → whether that customer left; the others are not known."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How proxy labels compare with true ones.

    Attributes:
        customers: how many have both.
        kappa: agreement beyond chance, 1 for perfect.
        precision: share of those labelled as leavers who left.
        recall: share of those who left that are labelled as leavers.
    """

    customers: int
    kappa: float
    precision: float
    recall: float


def read_truth(path: Path, *, customer: str, column: str, positive: str) -> Truth:
    """Read true labels from a table; an empty cell is not known.

    Raises:
        TableError: the table can't be read, lacks a column, or nobody in it left.
    """
    columns = read_table(path).columns
    if absent := [name for name in (customer, column) if name not in columns]:
        raise TableError(f"{path} has no column {', '.join(map(repr, absent))}; it has {', '.join(map(repr, columns))}")
    texts = ((text_of(who), text_of(what)) for who, what in zip(columns[customer], columns[column], strict=True))
    truth = {who: what == positive for who, what in texts if what}
    if not any(truth.values()):
        raise TableError(f"{path}: nobody has {positive!r} in column {column!r}: name the value of those who left")
    return truth


def agreement(customers: np.ndarray, churned: np.ndarray, truth: Truth) -> Agreement:
    """Compare labels of shape (customers,) with the true ones of whoever has one.

    Raises:
        TableError: hardly anybody has both.
    """
    has_truth = np.array([name in truth for name in customers], bool)
    if has_truth.sum() < MINIMUM_COMMON:
        raise TableError(
            f"{int(has_truth.sum())} labelled customers have a true label, and at least {MINIMUM_COMMON} are needed: "
            "are the ids written alike?"
        )
    labels, true = churned[has_truth].astype(bool), np.array([truth[name] for name in customers[has_truth]], bool)
    return Agreement(
        customers=int(has_truth.sum()),
        kappa=float(cohen_kappa_score(true, labels)) if len({*labels.tolist(), *true.tolist()}) > 1 else 0.0,
        precision=float(precision_score(true, labels, zero_division=0)),
        recall=float(recall_score(true, labels, zero_division=0)),
    )
