"""The listing: this worker's copy of the directory, never older than half a minute when it decides."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio.to_thread

from churn.errors import StoreError
from services.access.subjects import DirectoryAwayError

if TYPE_CHECKING:
    from churn.stores.directory import Directory

log = logging.getLogger(__name__)

FRESH_SECONDS = 10.0
"""After this a request still uses the copy, and begins to read the next one."""

OLDEST_SECONDS = 30.0
"""After this a request waits for the next one: so soon a change holds in every worker."""

PATIENCE_SECONDS = 2.0
"""How long a request waits for the database."""

REST_SECONDS = 2.0
"""So long the database is not asked after it failed."""

SPACING_SECONDS = 0.25
"""Readings that unknown names cause are so far apart: nobody can make a worker read all the time."""


class Listing:
    """Reads the directory when it is asked for, in a thread, at most once at a time.

    Attributes:
        read_at: when the copy began to be read, by the clock.
        is_away: the database failed, or did not answer in time, when it was last asked.
    """

    def __init__(self, read: Callable[[], "Directory"], clock: Callable[[], float] = time.monotonic) -> None:
        self.read_at = float("-inf")
        self.is_away = False
        self._read = read
        self._clock = clock
        self._directory: Directory | None = None
        self._reading: asyncio.Task[None] | None = None
        self._rests_until = float("-inf")

    def current(self) -> "Directory | None":
        """Return the copy; None when it is too old. Costs nothing; call it in the event loop."""
        age = self._clock() - self.read_at
        if age > FRESH_SECONDS:
            self._begin()
        return self._directory if age <= OLDEST_SECONDS else None

    def last(self) -> "Directory | None":
        """Return the newest copy, however old."""
        return self._directory

    async def fresh_enough(self) -> "Directory":
        """Return the copy, or the next one when it is too old.

        Raises:
            DirectoryAwayError: the database does not give one in time.
        """
        return self.current() or await self._next()

    async def newer(self) -> "Directory":
        """Return a copy whose reading began after this call: what the copy does not know may be new.

        Raises:
            DirectoryAwayError: as above.
        """
        called_at = self._clock()
        while self.read_at <= called_at or self._directory is None:
            await asyncio.sleep(self.read_at + SPACING_SECONDS - self._clock())
            if self.read_at <= called_at:  # nobody else has waited for the same
                await self._next()
        return self._directory

    def forget(self) -> None:
        """Have the next request read anew: something was changed here."""
        self.read_at = self._rests_until = float("-inf")

    async def _next(self) -> "Directory":
        reading = self._begin()
        if reading is None:
            raise DirectoryAwayError
        await asyncio.wait({reading}, timeout=PATIENCE_SECONDS)
        if not reading.done():
            self._rest()
        if self._is_resting() or self._directory is None:
            raise DirectoryAwayError  # it failed just now
        return self._directory

    def _begin(self) -> "asyncio.Task[None] | None":
        """Return the reading that goes on; None while the database rests from a failure."""
        if self._is_resting():
            return None
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().create_task(self._refresh())
        return self._reading

    def _rest(self) -> None:
        self._rests_until, self.is_away = self._clock() + REST_SECONDS, True

    def _is_resting(self) -> bool:
        return self._clock() < self._rests_until

    async def _refresh(self) -> None:
        began = self._clock()
        try:
            self._directory = await anyio.to_thread.run_sync(self._read, abandon_on_cancel=True)
            self.read_at, self.is_away = began, False
        except Exception as error:  # noqa: BLE001  whatever a driver does, an old copy must not go on deciding
            self._rest()
            reason = str(error) if isinstance(error, StoreError) else type(error).__name__
            log.warning("directory away: nobody new is admitted", extra={"reason": reason})
