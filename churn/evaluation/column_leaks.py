"""Columns that know the outcome: too good alone, in one class only, named or valued like the target, or an id."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import norm

from churn.contract.column import Column
from churn.contract.inference.profile import words_of
from churn.contract.inference.signal import area, group_auc, number_auc, ranges
from churn.evaluation.audit import AuditLimits, Finding

FEW_VALUES = 50
"""A number with so few values is looked at value by value, else by its ranges."""

ENOUGH_ROWS = 100
SAME_AUC = 0.99
SPAN = 10
"""Whole numbers that differ in every row and lie this close together number the rows."""

EMPTY_WORDS = frozenset({"label", "value", "flag", "status", "target", "outcome", "indicator", "is", "has"})


@dataclass(frozen=True)
class Suspect:
    """One input column of the table beside who left.

    Attributes:
        values: float32 with NaN for missing, or str objects with "" for missing; shape (rows,).
        left: bool of shape (rows,).
        units: number of the customer or group of each row; shape (rows,).
    """

    name: str
    column: Column
    values: np.ndarray
    left: np.ndarray
    units: np.ndarray

    @cached_property
    def is_missing(self) -> np.ndarray:
        """Rows without a value; bool of shape (rows,)."""
        return np.asarray(np.isnan(self.values) if self.column.is_numeric else self.values == "")

    @cached_property
    def codes(self) -> np.ndarray:
        """Number of each row's distinct value, missing being one; shape (rows,)."""
        return np.asarray(np.unique(self.values, return_inverse=True)[1])

    @cached_property
    def groups(self) -> np.ndarray:
        """Number of each row's category, value or range; shape (rows,)."""
        if self.column.is_numeric and self.codes.max() >= FEW_VALUES:
            return ranges(self.values.astype(np.float64))
        return self.codes

    @cached_property
    def auc(self) -> float:
        """ROC-AUC of the column alone, out of fold; 0.5 … 1."""
        if not self.column.is_numeric:
            return group_auc(self.codes, self.left)
        return number_auc(self.values.astype(np.float64), self.left)

    @cached_property
    def missing_auc(self) -> float:
        """ROC-AUC of being missing; 0.5 … 1."""
        found = area(self.is_missing.astype(np.float64), self.left)
        return max(found, 1 - found)


def column_findings(suspect: Suspect, target: str, limits: AuditLimits) -> Iterator[Finding]:
    """Hold one column against every check, the most telling first."""
    yield from _same_as_target(suspect, target)
    yield from _missing_alone(suspect, limits)
    yield from _good_alone(suspect, limits)
    yield from _in_one_class_only(suspect, limits)
    yield from _id_like(suspect, limits)


def tests_of(suspect: Suspect) -> int:
    """Return how many groups of the column are tested for purity."""
    return len(np.unique(suspect.groups)) + 2


def _same_as_target(suspect: Suspect, target: str) -> Iterator[Finding]:
    names = [set(words_of(name)) - EMPTY_WORDS for name in (suspect.name, target)]
    if names[0] and names[0] == names[1]:
        text = f"is named like the target {target!r} (ROC-AUC {suspect.auc:.3f})"
        yield Finding("same as target", suspect.name, suspect.auc, SAME_AUC, text)
    if len(np.unique(suspect.codes)) == 2 and suspect.auc >= SAME_AUC:
        text = f"has the values of the target {target!r} (ROC-AUC {suspect.auc:.3f})"
        yield Finding("same as target", suspect.name, suspect.auc, SAME_AUC, text)


def _missing_alone(suspect: Suspect, limits: AuditLimits) -> Iterator[Finding]:
    if _surely(suspect, suspect.missing_auc, limits) > limits.column_auc:
        yield Finding(
            "single column",
            suspect.name,
            suspect.missing_auc,
            limits.column_auc,
            f"is filled in, or empty, just for those who leave (ROC-AUC {suspect.missing_auc:.3f} from that alone)",
        )


def _good_alone(suspect: Suspect, limits: AuditLimits) -> Iterator[Finding]:
    if _surely(suspect, suspect.auc, limits) > limits.column_auc:
        yield Finding(
            "single column",
            suspect.name,
            suspect.auc,
            limits.column_auc,
            f"tells alone who leaves (ROC-AUC {suspect.auc:.3f}, surely above {limits.column_auc:g})",
        )


def _in_one_class_only(suspect: Suspect, limits: AuditLimits) -> Iterator[Finding]:
    """Report the largest pure group of each kind, when honest customers would hardly make it."""
    base_rate = float(suspect.left.mean())
    for kind, is_kind, chance in (
        ("left", suspect.left, limits.pure_leavers),
        ("stayed", ~suspect.left, 1 - limits.pure_stayers * base_rate),
    ):
        size, what = _largest_pure(suspect, is_kind)
        needed = int(np.ceil(np.log(limits.alarm / tests_of(suspect)) / np.log(chance)))
        if size >= needed:
            text = f"has {what} where all {size:,} customers {kind}: honest groups of {needed:,} are never so pure"
            yield Finding("one class only", suspect.name, size, needed, text)


def _largest_pure(suspect: Suspect, is_kind: np.ndarray) -> tuple[int, str]:
    """Return how many customers the largest group of one kind has, and what the group is."""
    patterns = {"a missing value": suspect.is_missing, "any value": ~suspect.is_missing}
    found = {what: len(np.unique(suspect.units[rows])) for what, rows in patterns.items() if is_kind[rows].all()}
    total, of_kind = np.bincount(suspect.groups), np.bincount(suspect.groups, weights=is_kind)
    if (pure := np.flatnonzero((total > 0) & (total == of_kind))).size:
        rows = suspect.groups == pure[np.argmax(total[pure])]
        found["a value or range"] = len(np.unique(suspect.units[rows]))
    what = max(found, key=lambda one: found[one], default="")
    return found.get(what, 0), what


def _id_like(suspect: Suspect, limits: AuditLimits) -> Iterator[Finding]:
    rows, distinct = len(suspect.left), len(np.unique(suspect.codes[~suspect.is_missing]))
    if rows < ENOUGH_ROWS:
        return
    if not suspect.column.is_numeric:
        if distinct > limits.distinct_share * rows:
            text = f"is an id: {distinct:,} different texts in {rows:,} rows say nothing of a new customer"
            yield Finding("id", suspect.name, distinct / rows, limits.distinct_share, text)
    elif distinct == rows and _numbers_the_rows(suspect.values) and _orders_the_target(suspect, limits):
        text = "numbers the rows, and its order tells who left: the table was sorted or joined by outcome"
        yield Finding("id", suspect.name, suspect.auc, 0.5, text)


def _numbers_the_rows(values: np.ndarray) -> bool:
    return bool((values == np.rint(values)).all() and np.ptp(values) <= SPAN * len(values))


def _orders_the_target(suspect: Suspect, limits: AuditLimits) -> bool:
    found = area(suspect.values.astype(np.float64), suspect.left)
    leavers, stayers = _kinds(suspect)
    by_chance = np.sqrt((leavers + stayers + 1) / (12 * leavers * stayers))
    return bool(abs(found - 0.5) > norm.isf(limits.alarm / 2) * by_chance)


def _surely(suspect: Suspect, auc: float, limits: AuditLimits) -> float:
    """Return the lower end of the area's interval (Hanley and McNeil, 1982), with customers or groups counted once."""
    leavers, stayers = _kinds(suspect)
    one, other = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (leavers - 1) * (one - auc**2) + (stayers - 1) * (other - auc**2)
    return float(auc - norm.isf(limits.alarm) * np.sqrt(max(spread, 0.0) / (leavers * stayers)))


def _kinds(suspect: Suspect) -> tuple[int, int]:
    return tuple(len(np.unique(suspect.units[kind])) for kind in (suspect.left, ~suspect.left))  # type: ignore[return-value]
