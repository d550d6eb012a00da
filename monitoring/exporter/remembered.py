"""What takes seconds to compute is remembered for a minute, and computed anew beside the scrapes."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from churn.errors import StoreError

log = logging.getLogger(__name__)

Value = TypeVar("Value")

LEAST_SECONDS = 60.0
RESTS = 20.0
"""It rests so many times as long as it took: a twentieth of a core is spent on it at most."""

TOO_OLD_AFTER = 5.0
"""Rests after which a value is too old to be shown: nobody asked meanwhile."""


class Remembered(Generic[Value]):
    """A value that is never computed twice at a time."""

    def __init__(
        self, compute: Callable[[], Value], *, rest_seconds: float = LEAST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._compute, self._least, self._clock = compute, rest_seconds, clock
        self._lock = threading.Lock()
        self._found: _Found[Value] | None = None

    def get(self) -> Value:
        """Return the value; the first caller waits for it, and so does who comes when it is too old.

        Raises:
            StoreError: it could not be computed.
        """
        found, now = self._found, self._clock()
        if found is None or now > found.too_old_at:
            return self._wait(found)
        if now > found.renew_at and self._lock.acquire(blocking=False):
            threading.Thread(target=self._renew_beside, name="sums", daemon=True).start()
        return found.value

    def _wait(self, known: "_Found[Value] | None") -> Value:
        with self._lock:
            found = self._found
            return self._renew() if found is None or found is known else found.value

    def _renew_beside(self) -> None:
        try:
            self._renew()
        except StoreError as error:
            log.warning("sums not computed", extra={"reason": str(error)})
        finally:
            self._lock.release()

    def _renew(self) -> Value:
        """Compute the value; one that could not be is not shown any longer."""
        began = self._clock()
        try:
            value = self._compute()
        except StoreError:
            self._found = None
            raise
        ended = self._clock()
        rest = max(self._least, RESTS * (ended - began))
        self._found = _Found(value, renew_at=ended + rest, too_old_at=ended + TOO_OLD_AFTER * rest)
        return value


@dataclass(frozen=True, slots=True)
class _Found(Generic[Value]):
    value: Value
    renew_at: float
    too_old_at: float
