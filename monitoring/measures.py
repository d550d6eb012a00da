"""Measures: what was found in each column, by a named method and against a named threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

PSI = "psi"
JENSEN_SHANNON = "jensenshannon"
MISSING_CHANGE = "missing_share_change"
UNKNOWN_CHANGE = "unknown_share_change"
NEW_SHARE = "new_category_share"
METHODS = (PSI, JENSEN_SHANNON, MISSING_CHANGE, UNKNOWN_CHANGE, NEW_SHARE)
"""From the one that speaks for a column, when several found drift, to the last."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One method's finding in one column."""

    column: str
    method: str
    value: float
    threshold: float

    @property
    def is_drifted(self) -> bool:
        """True when the value, or its size when it is a change, reaches the threshold."""
        return abs(self.value) >= self.threshold


def decisive(measures: Sequence[Measure]) -> dict[str, Measure]:
    """Return by column the measure that speaks for it: the first method that found drift, else PSI."""
    by_column: dict[str, list[Measure]] = {}
    for measure in sorted(measures, key=lambda one: METHODS.index(one.method)):
        by_column.setdefault(measure.column, []).append(measure)
    return {
        column: next((one for one in of_column if one.is_drifted), of_column[0])
        for column, of_column in by_column.items()
    }


def drifted_share(measures: Sequence[Measure], *, leave_out: str) -> float:
    """Return the share of columns, all but one, in which some method found drift; 0 without columns."""
    columns = [one for column, one in decisive(measures).items() if column != leave_out]
    return sum(one.is_drifted for one in columns) / len(columns) if columns else 0.0


def largest_first(measures: Sequence[Measure]) -> list[Measure]:
    """Return what speaks for each column, the furthest beyond its threshold first."""
    return sorted(decisive(measures).values(), key=lambda one: (-abs(one.value) / one.threshold, one.column))
