"""Volume: how much is asked, against the windows of the same length just before; a drop to nothing or a jump shows.

All versions are counted together: a promotion is no drop. The customers' week is not known here, so that a volume has
to leave twice what the last windows ranged over, surely, before it is called changed; that is a rule of thumb, and no
part of the verdict on drift.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from statistics import median

from churn.stores.traffic import TrafficStore

EARLIER = 7
FEWEST = 3
"""Earlier windows: with fewer nothing is usual yet."""

TIMES = 2.0
SURE = 4.0
"""Standard errors of a difference of two Poisson counts, measured on their roots."""


@dataclass(frozen=True, slots=True)
class Volume:
    """What was answered in the window, by all versions.

    Attributes:
        usual_rows_per_hour: median of the earlier windows; None: there were too few.
        has_changed: None: there were too few.
    """

    rows: int
    rows_per_hour: float
    usual_rows_per_hour: float | None
    has_changed: bool | None


def measure_volume(store: TrafficStore, model: str, span: tuple[datetime, datetime]) -> Volume:
    """Count the window and those before it."""
    start, end = span
    length = end - start
    edges = [start - number * length for number in range(EARLIER, 0, -1)] + [start, end]
    *earlier, rows = store.counts(model, edges)
    known = _since_the_first(earlier, has_history=store.had_any(model, before=edges[0]))
    hours = max(length.total_seconds() / 3600, 1e-9)
    if len(known) < FEWEST:
        return Volume(rows, rows / hours, None, None)
    return Volume(rows, rows / hours, median(known) / hours, is_unusual(rows, known))


def is_unusual(rows: int, earlier: list[int]) -> bool:
    """Say whether a count left the range of the earlier ones, widened twice, by more than chance."""
    bound = TIMES * max(earlier) if rows > median(earlier) else min(earlier) / TIMES
    is_outside = rows > bound if rows > median(earlier) else rows < bound
    return is_outside and abs(rows**0.5 - median(earlier) ** 0.5) * 2**0.5 >= SURE


def _since_the_first(earlier: list[int], *, has_history: bool) -> list[int]:
    """Leave out the windows before the first answer, and the one that it fell into."""
    if has_history:
        return earlier
    before = [0, *accumulate(earlier)]
    return [rows for rows, so_far in zip(earlier, before, strict=False) if so_far > 0]
