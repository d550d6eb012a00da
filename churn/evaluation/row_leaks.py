"""Rows and models that know the outcome: a customer on both sides of a fold, and a model that learns from noise."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from churn.contract.inference.signal import area
from churn.contract.table import Columns
from churn.evaluation.audit import Audited, AuditLimits, Finding
from churn.evaluation.folds import Fold

if TYPE_CHECKING:
    import pandas as pd

Control = Callable[["pd.DataFrame", np.ndarray, "pd.DataFrame"], np.ndarray]
"""Fits on (frame, labels) and returns the scores of another frame: the whole training, as it is done."""

ENOUGH_TWINS = 20
MIXED_SHARE = 0.1
"""Honest customers with equal values often have different outcomes; copies of one customer never have."""


def same_customer(audited: Audited, folds: Sequence[Fold]) -> Iterator[Finding]:
    """Find ids that are on both sides of a fold."""
    if audited.ids is None:
        return
    number = np.unique(audited.ids, return_inverse=True)[1]
    shared = sum(int(np.isin(number[tested], number[trained]).sum()) for trained, tested in folds)
    if shared:
        share = shared / sum(len(tested) for _, tested in folds)
        text = (
            f"{share:.1%} of the tested rows have the id of a customer in training: name the column that holds it "
            "under `validation.group`, so that a customer's rows stay together"
        )
        yield Finding("same customer", "", share, 0.0, text)


def twins(audited: Audited, folds: Sequence[Fold], limits: AuditLimits) -> Iterator[Finding]:
    """Find customers with equal values in every column on both sides of a fold, and what that gives away."""
    cell, left = cells_of(audited.columns), audited.labels == 1
    share, leavers, known = _twins_of(cell, left, folds)
    if not share:
        return
    shared = np.flatnonzero(np.bincount(cell) > 1)
    with_leaver = np.intersect1d(shared, cell[left])
    mixed = np.isin(with_leaver, cell[~left]).mean() if len(with_leaver) else 1.0
    is_copy = leavers >= limits.twin_share and len(with_leaver) >= ENOUGH_TWINS and mixed < MIXED_SHARE
    text = (
        f"{share:.1%} of the tested rows ({leavers:.1%} of the leavers) have a twin in training with equal values; "
        f"{known:.0%} of the twins of leavers left too"
    )
    if is_copy:
        text += (
            ": they are copies of one customer, so remove them, or name the customer's column under `validation.group`"
        )
    yield Finding("twins", "", leavers, limits.twin_share, text, is_refusal=bool(is_copy))


def shuffled(audited: Audited, folds: Sequence[Fold], control: Control, limits: AuditLimits) -> Iterator[Finding]:
    """Train on shuffled outcomes: who still tells them apart has seen them."""
    from churn.features.frame import raw_frame  # noqa: PLC0415  the command line must not wait for pandas

    frame, labels = raw_frame(audited.columns), np.random.default_rng(0).permutation(audited.labels)
    scores = np.full(len(labels), np.nan)
    for trained, tested in folds:
        scores[tested] = control(frame.iloc[trained], labels[trained], frame.iloc[tested])
    seen = ~np.isnan(scores)
    found, left = area(scores[seen], labels[seen] == 1), labels[seen] == 1
    by_chance = np.sqrt((len(left) + 1) / (12 * max(left.sum(), 1) * max((~left).sum(), 1)))
    highest = float(0.5 + norm.isf(limits.alarm) * by_chance)
    text = f"trained on shuffled outcomes the model has ROC-AUC {found:.3f}; chance gives at most {highest:.3f}"
    if found > highest:
        yield Finding(
            "shuffled outcomes", "", found, highest, f"{text}: a step of the training sees the tested outcomes"
        )
    else:
        yield Finding("shuffled outcomes", "", found, highest, text, is_refusal=False)


def too_good(labels: np.ndarray, scores: np.ndarray, limits: AuditLimits) -> Iterator[Finding]:
    """Ask for a look at a model that is better than models of churn are; scores as for `intervals.estimate`."""
    repeats = np.atleast_2d(scores)
    found = float(np.mean([area(one[~np.isnan(one)], labels[~np.isnan(one)] == 1) for one in repeats]))
    if found > limits.model_auc:
        text = f"the whole model has ROC-AUC {found:.3f}, more than models of churn have: look at what it uses most"
        yield Finding("too good", "", found, limits.model_auc, text, is_refusal=False)


def cells_of(columns: Columns) -> np.ndarray:
    """Number the rows so that rows with equal values in every column have the same number."""
    cell = np.zeros(len(next(iter(columns.values()))), np.int64)
    for values in columns.values():
        code = np.unique(values, return_inverse=True)[1]
        cell = np.unique(cell * (code.max() + 1) + code, return_inverse=True)[1]
    return cell


def _twins_of(cell: np.ndarray, left: np.ndarray, folds: Sequence[Fold]) -> tuple[float, float, float]:
    """Return the share of tested rows with a twin, the share of tested leavers, and how many of their twins left."""
    size, found = int(cell.max()) + 1, []
    for trained, tested in folds:
        customers, leavers = (np.bincount(cell[rows], minlength=size) for rows in (trained, trained[left[trained]]))
        found.append(np.stack([left[tested], customers[cell[tested]], leavers[cell[tested]]]))
    is_leaver, customers, leavers = np.concatenate(found, axis=1)
    of_leavers = (is_leaver == 1) & (customers > 0)
    known = float((leavers[of_leavers] / customers[of_leavers]).mean()) if of_leavers.any() else 0.0
    return float((customers > 0).mean()), float(of_leavers.sum() / max(is_leaver.sum(), 1)), known
