"""Tallies: what a request counts is noted in memory, and added to the metrics a moment later, many at a time.

A metric that several processes share is a place in a mapped file behind a lock, and a histogram is three: counting one
request there took as long as validating its body. A worker that is killed takes with it what it noted since its keeper
last settled, about half a second.
"""

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from prometheus_client import Histogram

Note = TypeVar("Note")


class Tally(Generic[Note]):
    """Notes of one kind. Any thread may note and settle.

    Attributes:
        note: keeps one.
    """

    def __init__(self, add: Callable[[list[Note]], None]) -> None:
        """Make a tally.

        Args:
            add: adds notes, at least one, to the metrics.
        """
        self._notes: deque[Note] = deque()
        self.note = self._notes.append
        self._add = add

    def settle(self) -> None:
        """Add what is noted now. One thread at a time."""
        if notes := [self._notes.popleft() for _ in range(len(self._notes))]:
            self._add(notes)


class Ledger:
    """All tallies of a process."""

    def __init__(self) -> None:
        self._tallies: list[Tally[Any]] = []
        self._lock = Lock()

    def open(self, add: Callable[[list[Note]], None]) -> Tally[Note]:
        """Return a new tally that is settled with the others."""
        tally = Tally(add)
        self._tallies.append(tally)
        return tally

    def settle(self) -> None:
        """Add everything that is noted to the metrics."""
        with self._lock:
            for tally in tuple(self._tallies):
                tally.settle()


class BulkHistogram(Histogram):
    """A histogram that observes many amounts for little more than the price of one."""

    def observe_all(self, amounts: np.ndarray) -> None:
        """Observe amounts, shape (any,)."""
        places = np.searchsorted(self._upper_bounds, amounts)
        for place, times in enumerate(np.bincount(places).tolist()):
            if times:
                self._buckets[place].inc(times)
        self._sum.inc(float(amounts.sum()))
