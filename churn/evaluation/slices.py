"""Slices: how good the model is for parts of the customers, so that a good average hides nobody.

Every input column divides customers into a few groups (`bands.groups_of`). For each group: how well it is ranked within
itself, and whether the mean probability is what was observed. Many groups are looked at, so those that differ are held
to a corrected level (Holm, 1979).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.evaluation.bands import groups_of
from churn.evaluation.intervals import Estimate
from churn.evaluation.shares import share

FEWEST_OF_A_KIND = 20
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of the customers.

    Attributes:
        roc_auc: within the part; nan when it has fewer than 20 leavers or stayers.
        predicted: mean probability.
        observed: share that left, with its interval.
        is_off: the mean probability is not what was observed, beyond what so many looks explain.
    """

    column: str
    group: str
    customers: int
    leavers: int
    roc_auc: float
    predicted: float
    observed: Estimate
    is_off: bool


def slices(contract: Contract, columns: Columns, labels: np.ndarray, scores: np.ndarray) -> list[Slice]:
    """Measure every group of every input column.

    Args:
        contract: what the columns are.
        columns: graph-ready columns of the scored customers.
        labels: 1 for customers who left, else 0; shape (rows,).
        scores: probabilities of the same customers, from a model that did not see them.
    """
    parts = [(name, *part) for name in contract.columns for part in groups_of(contract, columns, name)]
    is_off = _beyond_chance([_surprise(labels[mask], scores[mask]) for _, _, mask in parts])
    return [
        _slice(name, group, (labels[mask], scores[mask]), is_off=off)
        for (name, group, mask), off in zip(parts, is_off, strict=True)
    ]


def weakest(found: Sequence[Slice], count: int) -> list[Slice]:
    """Return the parts to know about: those whose probabilities are off, then those ranked worst; at most `count`."""
    off = sorted((one for one in found if one.is_off), key=lambda one: -abs(one.predicted - one.observed.value))
    ranked = sorted((one for one in found if not np.isnan(one.roc_auc) and not one.is_off), key=lambda one: one.roc_auc)
    return [*off, *ranked][:count]


def slices_markdown(found: Sequence[Slice]) -> str:
    """Return slices as a Markdown table."""
    return "\n".join(
        ["| customers with | number | ranked right | predicted | left |", "|---|--:|--:|--:|---|", *_rows(found)]
    )


def _rows(found: Sequence[Slice]) -> Iterator[str]:
    for one in found:
        ranked = "–" if np.isnan(one.roc_auc) else f"{one.roc_auc:.3f}"
        mark = " **off**" if one.is_off else ""
        observed = f"{one.observed.value:.1%} ({one.observed.low:.1%} – {one.observed.high:.1%})"
        yield f"| {one.group} | {one.customers:,} | {ranked} | {one.predicted:.1%}{mark} | {observed} |"


def _slice(column: str, group: str, of: tuple[np.ndarray, np.ndarray], *, is_off: bool) -> Slice:
    labels, scores = of
    leavers = int(labels.sum())
    is_rankable = min(leavers, len(labels) - leavers) >= FEWEST_OF_A_KIND
    return Slice(
        column=column,
        group=group,
        customers=len(labels),
        leavers=leavers,
        roc_auc=float(roc_auc_score(labels, scores)) if is_rankable else float("nan"),
        predicted=float(scores.mean()),
        observed=share(leavers, len(labels)),
        is_off=is_off,
    )


def _surprise(labels: np.ndarray, scores: np.ndarray) -> float:
    """Two-sided p-value of the observed number of leavers, when every probability is right (Spiegelhalter's z)."""
    spread = float(np.sqrt((scores * (1 - scores)).sum()))
    return float(2 * norm.sf(abs(float(labels.sum() - scores.sum())) / spread)) if spread > 0 else 1.0


def _beyond_chance(p_values: Sequence[float]) -> list[bool]:
    """Holm's step-down: which p-values stay below the level although so many were looked at."""
    order, found = np.argsort(p_values, kind="stable"), [False] * len(p_values)
    for step, place in enumerate(order):
        if p_values[place] > LEVEL / (len(p_values) - step):
            break
        found[place] = True
    return found
