"""A journey: one errand on its way from door to door, within its time."""

import random
import time

import httpx

from churn.client.doors import Door
from churn.client.errand import Errand
from churn.errors import ApiError, UnreachableError

BUSY = 429
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before the first byte: nothing has happened at the door."""

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


class Journey:
    """How much time is left, and what went wrong last."""

    def __init__(self, ends_at: float) -> None:
        self._ends_at = ends_at
        self._pause = FIRST_PAUSE_SECONDS
        self._wanted_pause = 0.0
        self._last: Exception | None = None
        self._last_url = ""

    @property
    def left(self) -> float:
        """Seconds."""
        return self._ends_at - time.monotonic()

    @property
    def is_unsent(self) -> bool:
        """Whether the last door did not even take the request."""
        return isinstance(self._last, NOT_SENT)

    @property
    def is_busy(self) -> bool:
        """Whether the last door knows the caller, and wants a pause: no other door would think otherwise."""
        return isinstance(self._last, ApiError) and self._last.status == BUSY

    def note(self, door: Door, error: Exception, *, pause: float = 0.0) -> None:
        """Remember a failure, and the pause that the door wants."""
        self._last, self._last_url, self._wanted_pause = error, door.url, pause

    def rest(self, errand: Errand) -> None:
        """Wait before all doors are asked once more.

        Raises:
            ApiError: there is no time for it, and a door said why it refuses.
            UnreachableError: there is no time for it.
        """
        pause = max(self._wanted_pause, self._pause * random.uniform(0.5, 1.0))
        if pause >= self.left:
            raise self.failure(errand)
        time.sleep(pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def failure(self, errand: Errand) -> Exception:
        """Return what the caller is told."""
        if isinstance(self._last, ApiError):
            return self._last
        return unreachable(self._last_url, errand, self._last)


def unreachable(url: str, errand: Errand, error: Exception | None) -> UnreachableError:
    """Return what a caller is told when no door answered."""
    reason = type(error).__name__ if error else "no time was left"
    return UnreachableError(
        f"no door answered {errand.method} {errand.path}; the last was {url}: {reason}. Is `churn serve` running there?"
    )
