"""Figures: the measures of one look at a version, side by side by where they come from."""

from collections.abc import Iterable
from dataclasses import dataclass

from churn.stores.performance import ALL, PerformanceMeasure

FIRST = ("roc_auc", "pr_auc", "brier", "calibration_slope", "lift_at_10_percent")
"""Shown first, in this order; whatever else was measured follows by name."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One measure over all customers; None where nobody could tell it.

    Attributes:
        observed: from outcomes.
        estimated: before they arrive.
        reference: on customers held out of the training.
    """

    name: str
    observed: PerformanceMeasure | None
    estimated: PerformanceMeasure | None
    reference: PerformanceMeasure | None


def figures_of(measures: Iterable[PerformanceMeasure]) -> list[Figures]:
    """Return the measures over all customers, the usual ones first."""
    found = {(one.measure, one.source): one for one in measures if one.dimension == ALL}
    names = sorted({name for name, _ in found}, key=lambda name: (_place(name), name))
    return [
        Figures(name, found.get((name, "observed")), found.get((name, "estimated")), found.get((name, "reference")))
        for name in names
    ]


def said(one: PerformanceMeasure | None) -> str:
    """Return a value with its interval as text."""
    if one is None:
        return "–"
    interval = f" ({one.low:.3f} to {one.high:.3f})" if one.low is not None and one.high is not None else ""
    return f"{one.value:.3f}{interval}"


def _place(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)
