"""Survival curves: which share of customers is still there after so many months (Kaplan and Meier, 1958; lifelines)."""

from dataclasses import dataclass

import numpy as np
from lifelines import KaplanMeierFitter

from churn.retention.survival import Stays

SMALLEST_GROUP = 30


@dataclass(frozen=True, slots=True)
class Curve:
    """A step function: the share still there from each month on, with a 95 % interval (log-log, Greenwood).

    Attributes:
        name: of the group.
        customers: in it.
        months: where the share changes, ascending from 0.
        share: at and after each, shape as `months`.
        low, high: the interval.
    """

    name: str
    customers: int
    months: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def at(self, month: float) -> tuple[float, float, float]:
        """Return share, low and high after so many months."""
        place = int(np.searchsorted(self.months, month, side="right")) - 1
        return float(self.share[place]), float(self.low[place]), float(self.high[place])

    @property
    def median_months(self) -> float | None:
        """Months after which half are gone; None: more than half are still there at the end."""
        gone = np.flatnonzero(self.share <= 0.5)
        return float(self.months[gone[0]]) if len(gone) else None


def curve_of(stays: Stays, name: str) -> Curve:
    """Estimate the curve of some customers."""
    is_watched = bool((stays.entry > 0).any())
    fitter = KaplanMeierFitter().fit(stays.months, stays.left, entry=stays.entry if is_watched else None)
    interval = fitter.confidence_interval_.to_numpy()
    return Curve(
        name=name,
        customers=len(stays.months),
        months=fitter.survival_function_.index.to_numpy(dtype=float),
        share=fitter.survival_function_.to_numpy()[:, 0],
        low=np.nan_to_num(interval[:, 0], nan=1.0),
        high=np.nan_to_num(interval[:, 1], nan=1.0),
    )


def curves_of(stays: Stays, groups: np.ndarray) -> list[Curve]:
    """Estimate a curve per group of 30 customers or more.

    Args:
        stays: from `stays_of`.
        groups: name of each customer's segment or category, shape (rows,).
    """
    found, counts = np.unique(groups.astype(str), return_counts=True)
    large = [name for name, count in zip(found.tolist(), counts, strict=True) if count >= SMALLEST_GROUP]
    return [curve_of(stays.only(groups == name), name or "not known") for name in large]
