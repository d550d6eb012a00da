"""Measures of many resamples at once: customers counted at each distinct score, so that nothing is sorted twice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.special import expit, logit

from churn.evaluation.metrics import SMALLEST, equal_mass_bins

FIRST_STEPS, NEXT_STEPS = 12, 2
"""Newton's, to the slope of the mean draw, and from there to that of each draw, which is near."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of the drawn customers have each score.

    Attributes:
        scores: distinct scores, highest first; shape (scores,).
        leavers: counts of those who left, float64 of shape (resamples, scores).
        stayers: counts of those who stayed, likewise.
        found: leavers with this score or a higher one, likewise.
        called: customers with this score or a higher one, likewise.
    """

    scores: np.ndarray
    leavers: np.ndarray
    stayers: np.ndarray
    found: np.ndarray
    called: np.ndarray


CountedMeasure = Callable[[Counted], np.ndarray]
"""Takes counts, returns a value per resample; NaN where a resample holds only leavers or only stayers."""


class Ranking:
    """Scores of one repeat, sorted once; rows that were never tested (NaN) are left out.

    Attributes:
        rows: tested or not.
        scores: distinct ones, highest first; shape (scores,).
        bins: of equal mass, per distinct score; shape (scores,).
    """

    def __init__(self, target: np.ndarray, scores: np.ndarray) -> None:
        tested = np.flatnonzero(~np.isnan(scores))
        order = tested[np.argsort(-scores[tested], kind="stable")]
        self.rows = len(target)
        negated, starts = np.unique(-scores[order], return_index=True)
        self.scores = -negated
        self.bins = equal_mass_bins(scores[order])[starts]
        self._starts = None if len(starts) == len(order) else starts
        self._order, self._is_leaver = order, (target[order] == 1).astype(np.float64)

    def count(self, drawn: np.ndarray) -> Counted:
        """Count how often each score was drawn, from how often each row was: shape (resamples, rows)."""
        customers = drawn[:, self._order].astype(np.float64)
        leavers = customers * self._is_leaver
        if self._starts is not None:
            customers = np.add.reduceat(customers, self._starts, axis=1)
            leavers = np.add.reduceat(leavers, self._starts, axis=1)
        found, called = np.cumsum(leavers, axis=1), np.cumsum(customers, axis=1)
        return Counted(self.scores, leavers, customers - leavers, found, called)


def counted_at(threshold: float) -> dict[str, CountedMeasure]:
    """Return precision, recall, F1 and the share of customers at risk at a threshold."""
    return {
        "precision": lambda counted: _precision(counted, threshold),
        "recall": lambda counted: _recall(counted, threshold),
        "f1": lambda counted: _f1(counted, threshold),
        "at_risk": lambda counted: _at(counted.called, counted, threshold) / counted.called[:, -1],
    }


def bin_gaps(counted: Counted, bins: np.ndarray) -> np.ndarray:
    """Return leavers less expected leavers in each bin, as a share of all customers; shape (resamples, bins)."""
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    gaps = counted.leavers - (counted.leavers + counted.stayers) * counted.scores
    return np.asarray(np.add.reduceat(gaps, starts, axis=1) / counted.called[:, -1:])


def _roc_auc(counted: Counted) -> np.ndarray:
    leavers, stayers = _totals(counted)
    above = counted.found - counted.leavers / 2
    found: np.ndarray = np.einsum("ij,ij->i", above, counted.stayers) / (leavers * stayers)
    return found


def _pr_auc(counted: Counted) -> np.ndarray:
    leavers, _ = _totals(counted)
    precision = counted.found / np.maximum(counted.called, 1)
    found: np.ndarray = np.einsum("ij,ij->i", precision, counted.leavers) / leavers
    return found


def _brier(counted: Counted) -> np.ndarray:
    lost = counted.leavers @ (1 - counted.scores) ** 2 + counted.stayers @ counted.scores**2
    found: np.ndarray = lost / counted.called[:, -1]
    return found


def _log_loss(counted: Counted) -> np.ndarray:
    sure = np.clip(counted.scores, np.finfo(np.float64).eps, 1 - np.finfo(np.float64).eps)
    found: np.ndarray = -(counted.leavers @ np.log(sure) + counted.stayers @ np.log1p(-sure)) / counted.called[:, -1]
    return found


def _lift(counted: Counted, share: float) -> np.ndarray:
    leavers, _ = _totals(counted)
    rows = counted.called[:, -1]
    top = np.maximum(1, np.round(rows * share))
    place = (counted.called < top[:, None]).sum(axis=1)
    each = np.arange(len(rows))
    customers = counted.leavers[each, place] + counted.stayers[each, place]
    surplus = (counted.called[each, place] - top) / np.maximum(customers, 1)
    found: np.ndarray = (counted.found[each, place] - surplus * counted.leavers[each, place]) / top
    found *= rows / leavers
    return found


def _slope(counted: Counted) -> np.ndarray:
    """Return the slope of the outcome on the log-odds: first of the mean draw, from there to that of each draw."""
    customers = counted.leavers + counted.stayers
    log_odds = logit(np.clip(counted.scores, SMALLEST, 1 - SMALLEST))
    middle = (counted.leavers.mean(axis=0, keepdims=True), customers.mean(axis=0, keepdims=True))
    start = _newton(*middle, log_odds, np.array([[0.0, 1.0]]), steps=FIRST_STEPS)
    start = np.repeat(start, len(customers), axis=0)
    return _newton(counted.leavers, customers, log_odds, start, steps=NEXT_STEPS)[:, 1]


def _newton(
    leavers: np.ndarray, customers: np.ndarray, log_odds: np.ndarray, start: np.ndarray, *, steps: int
) -> np.ndarray:
    """Return intercept and slope per resample, shape (resamples, 2)."""
    powers = np.stack([np.ones_like(log_odds), log_odds, log_odds**2], axis=1)
    found = start
    for _ in range(steps):
        fitted = expit(found[:, :1] + found[:, 1:] * log_odds)
        first, second = ((leavers - customers * fitted) @ powers[:, :2]).T
        flat, middle, steep = ((customers * fitted * (1 - fitted)) @ powers).T
        scale = np.maximum(flat * steep - middle**2, SMALLEST)
        found = (
            found + np.stack([steep * first - middle * second, flat * second - middle * first], axis=1) / scale[:, None]
        )
    return found


def _at(cumulated: np.ndarray, counted: Counted, threshold: float) -> np.ndarray:
    place = int((counted.scores >= threshold).sum())
    return cumulated[:, place - 1] if place else np.zeros(len(cumulated))


def _precision(counted: Counted, threshold: float) -> np.ndarray:
    found: np.ndarray = _at(counted.found, counted, threshold) / np.maximum(_at(counted.called, counted, threshold), 1)
    return found


def _recall(counted: Counted, threshold: float) -> np.ndarray:
    leavers, _ = _totals(counted)
    found: np.ndarray = _at(counted.found, counted, threshold) / leavers
    return found


def _f1(counted: Counted, threshold: float) -> np.ndarray:
    leavers, _ = _totals(counted)
    found: np.ndarray = 2 * _at(counted.found, counted, threshold) / (leavers + _at(counted.called, counted, threshold))
    return found


def _totals(counted: Counted) -> tuple[np.ndarray, np.ndarray]:
    leavers, rows = counted.found[:, -1], counted.called[:, -1]
    return np.where(leavers > 0, leavers, np.nan), np.where(rows > leavers, rows - leavers, np.nan)


COUNTED: Mapping[str, CountedMeasure] = MappingProxyType(
    {
        "roc_auc": _roc_auc,
        "pr_auc": _pr_auc,
        "brier": _brier,
        "log_loss": _log_loss,
        "calibration_slope": _slope,
        "lift_at_10_percent": lambda counted: _lift(counted, 0.1),
        "lift_at_20_percent": lambda counted: _lift(counted, 0.2),
    }
)
"""The measures of `metrics.MEASURES`, for counted customers."""
