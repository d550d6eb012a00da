"""Whom candidate and production are compared on: live customers later than whatever both were trained on.

Some customers, drawn by their id alone, are never trained on. Of their rows the newest are held out, back to a moment:
the *cut*. The candidate sees the others' rows, as far as their outcome was known at the cut. Rows are chosen by draw
and by time, never by what became of them: whoever takes each customer's newest row has all leavers, and few who stayed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from churn.evaluation.retraining import Labels
from pipelines.retraining.table import RetrainTable
from pipelines.training import Division, drawn

NEVER = np.datetime64("NaT", "ms")


@dataclass(frozen=True, slots=True)
class LiveRows:
    """A retraining's table as arrays, each of shape (rows,).

    Attributes:
        predicted_at: datetime64[ms]; NaT: a row of the company's own table.
        known_at: when the outcome was due.
        is_later: production answered it, or it was predicted after production's training: that has not seen it.
        is_new: production's training could not know its outcome.
    """

    ids: np.ndarray
    groups: np.ndarray
    left: np.ndarray
    predicted_at: np.ndarray
    known_at: np.ndarray
    is_later: np.ndarray
    is_new: np.ndarray

    @property
    def is_live(self) -> np.ndarray:
        """Which rows are live customers'."""
        return np.asarray(~np.isnat(self.predicted_at))

    def labels(self, chosen: np.ndarray) -> Labels:
        """Count some of the rows, by a mask."""
        return Labels(int(chosen.sum()), int((chosen & self.left).sum()))


@dataclass(frozen=True, slots=True)
class Wanted:
    """How large a comparison should be.

    Attributes:
        customers: share of the customers that is never trained on, 0 … 1.
        share: of their later rows, the newest.
        rows: at least so many rows.
        leavers: at least so many who left, and so many who stayed.
        reference_rows: the newest live rows, back to a snapshot's length, are the reference if there are so many.
        reference_days: that length.
    """

    customers: float
    share: float
    rows: int
    leavers: int
    reference_rows: int
    reference_days: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is held out, and what it is made of.

    Attributes:
        cut: None when the held-out customers are too few; `held_out` counts those that there are.
    """

    division: Division
    held_out: Labels
    cut: datetime | None


def live_rows(
    table: RetrainTable, *, after: timedelta, production: int | None, trained_at: datetime | None
) -> LiveRows:
    """Read the arrays off a table.

    Args:
        table: of the retraining.
        after: from a prediction until its outcome is due.
        production: version.
        trained_at: when production's training began; None: not known, so that only its own answers are surely later.
    """
    moments = _moments(table.predicted_at)
    trained = NEVER if trained_at is None else _moments([trained_at])[0]
    is_own = np.array([one in table.versions and table.versions[one] == production for one in table.rows], bool)
    known_at = moments + np.timedelta64(int(after.total_seconds() * 1000), "ms")
    return LiveRows(
        ids=np.array(list(table.rows), dtype=object),
        groups=np.array(table.groups, dtype=object),
        left=np.array(table.left, bool),
        predicted_at=moments,
        known_at=known_at,
        is_later=is_own | (moments >= trained),
        is_new=is_own | (known_at > trained),
    )


def compare_on(rows: LiveRows, wanted: Wanted) -> Comparison:
    """Choose the cut: the latest that leaves enough customers after it; or say how few there are."""
    is_drawn = drawn(rows.groups, wanted.customers)
    is_candidate = is_drawn & rows.is_later & rows.is_live
    cut = _cut(rows, is_candidate, wanted)
    if cut is None:
        return Comparison(Division(frozenset()), rows.labels(is_candidate), None)
    is_held_out = is_candidate & (rows.predicted_at >= cut)
    is_too_new = rows.is_live & ~(rows.known_at <= cut)
    division = Division(
        held_out=_ids(rows, is_held_out),
        left_out=_ids(rows, ~is_held_out & (is_drawn | is_too_new)),
        reference=_ids(rows, _reference(rows, wanted)),
    )
    return Comparison(division, rows.labels(is_held_out), cut.astype("datetime64[ms]").item())


def _cut(rows: LiveRows, is_candidate: np.ndarray, wanted: Wanted) -> np.datetime64 | None:
    places = np.flatnonzero(is_candidate)
    places = places[np.argsort(rows.predicted_at[places])[::-1]]
    many = max(wanted.rows, int(np.ceil(wanted.share * len(places))))
    left = np.cumsum(rows.left[places])
    counts = np.arange(1, len(places) + 1)
    enough = (counts >= many) & (left >= wanted.leavers) & (counts - left >= wanted.leavers)
    return rows.predicted_at[places[np.argmax(enough)]] if enough.any() else None


def _reference(rows: LiveRows, wanted: Wanted) -> np.ndarray:
    """The newest live rows, trained on or not: no outcome is looked at. None, when they are few."""
    newest = np.max(rows.predicted_at[rows.is_live])
    since = newest - np.timedelta64(int(wanted.reference_days * 86_400_000), "ms")
    chosen = rows.is_live & (rows.predicted_at > since)
    return chosen if chosen.sum() >= wanted.reference_rows else np.zeros(len(chosen), bool)


def _ids(rows: LiveRows, chosen: np.ndarray) -> frozenset[str]:
    return frozenset(rows.ids[chosen].tolist())


def _moments(times: Sequence[datetime | None]) -> np.ndarray:
    """Moments in UTC; None becomes NaT."""
    return np.array([NEVER if one is None else _plain(one) for one in times], dtype="datetime64[ms]")


def _plain(moment: datetime) -> np.datetime64:
    return np.datetime64(int(moment.timestamp() * 1000), "ms")
