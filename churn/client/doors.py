"""Doors as a client sees them: the first that is well goes first, a failing one is left alone for a while."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence

FAILURES_TO_EJECT = 3
SHORTEST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 60.0
JITTER = 0.2

Clock = Callable[[], float]


class Door:
    """One address, and whether it is worth asking. Thread safe.

    After three failures in a row it is ejected. When its pause is over, one request at a time may try it: that either
    brings it back or ejects it for twice as long.
    """

    def __init__(self, url: str, clock: Clock = time.monotonic) -> None:
        self.url = url.rstrip("/")
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = 0.0
        self._ejected_until = 0.0
        self._is_probed = False

    @property
    def is_ejected(self) -> bool:
        """Whether it has failed too often and not answered since."""
        return self._failures >= FAILURES_TO_EJECT

    def admits(self) -> bool:
        """Let one request through; of an ejected door only one, once its pause is over."""
        with self._lock:
            if not self.is_ejected:
                return True
            if self._clock() < self._ejected_until:
                return False
            self._is_probed = True
            self._ejected_until = self._clock() + SHORTEST_PAUSE_SECONDS  # for all others, and if this one never says
            return True

    def succeed(self) -> None:
        """Note an answer: whatever it says, the door is there."""
        with self._lock:
            self._failures, self._pause, self._is_probed = 0, 0.0, False

    def fail(self, pause_seconds: float = 0.0) -> None:
        """Note that there was no answer, or one that asks for a pause."""
        with self._lock:
            was_probe, self._is_probed = self._is_probed, False
            self._failures += 1
            if self._failures == FAILURES_TO_EJECT or (was_probe and self.is_ejected):
                self._pause = min(max(2 * self._pause, SHORTEST_PAUSE_SECONDS, pause_seconds), LONGEST_PAUSE_SECONDS)
                jitter = 1 + random.uniform(-JITTER, JITTER)
                self._ejected_until = self._clock() + self._pause * jitter


class Doors:
    """All of them, in the order of preference."""

    def __init__(self, urls: Sequence[str], clock: Clock = time.monotonic) -> None:
        self._doors = [Door(url, clock) for url in urls]

    def worth_trying(self) -> Iterator[Door]:
        """Yield those that admit a request; then the ejected ones, since a last resort is better than none."""
        passed_over = []
        for door in self._doors:
            if door.admits():
                yield door
            else:
                passed_over.append(door)
        yield from passed_over
