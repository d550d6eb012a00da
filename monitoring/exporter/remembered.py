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

PATIENCE_SECONDS = 2.0
"""How long a scrape waits for a value that is not there; Prometheus waits ten seconds for the whole."""


class Remembered(Generic[Value]):
    """A value that is computed in one thread at a time, when it is asked for and older than a minute."""

    def __init__(
        self, compute: Callable[[], Value], *, clock: Callable[[], float] = time.monotonic,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:  # fmt: skip
        self._compute, self._clock, self._patience = compute, clock, patience_seconds
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._found: _Found[Value] | None = None
        self._problem: StoreError | None = None

    def get(self) -> Value | None:
        """Return the value; None: it is being computed, and there is none that is young enough.

        Raises:
            StoreError: it could not be computed.
        """
        found, now = self._found, self._clock()
        if found is not None and now < found.renew_at:
            return found.value
        thread = self._begin()
        if found is not None and now < found.too_old_at:
            return found.value
        thread.join(self._patience)
        if self._problem is not None:
            raise StoreError(str(self._problem)) from self._problem
        return None if self._found is found or self._found is None else self._found.value

    def _begin(self) -> threading.Thread:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._renew, name="sums", daemon=True)
                self._thread.start()
            return self._thread

    def _renew(self) -> None:
        """Compute the value; one that could not be is not shown any longer."""
        began = self._clock()
        try:
            value = self._compute()
        except StoreError as error:
            log.warning("sums not computed", extra={"reason": str(error)})
            self._found, self._problem = None, error
            return
        ended = self._clock()
        rest = max(LEAST_SECONDS, RESTS * (ended - began))
        found = _Found(value, renew_at=ended + rest, too_old_at=ended + TOO_OLD_AFTER * rest)
        self._found, self._problem = found, None


@dataclass(frozen=True, slots=True)
class _Found(Generic[Value]):
    value: Value
    renew_at: float
    too_old_at: float
