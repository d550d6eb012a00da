"""Attendance: a worker's part in having exactly one living attendant per home."""

import logging
import subprocess
import sys
import time

from churn.settings import environment_for_own_children
from churn.stores.file_locks import exclusive
from services.settings import ServiceSettings

log = logging.getLogger(__name__)

SHORTEST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0


class Attendance:
    """Starts an attendant when there is none; the one it started ends with this process, however that ends."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._child: subprocess.Popen[bytes] | None = None
        self._look_at = 0.0
        self._pause = SHORTEST_PAUSE_SECONDS

    def look(self) -> None:
        """Start an attendant if nobody holds the lock; looks about every two seconds, whenever it is called."""
        if not self._settings.attended or time.monotonic() < self._look_at:
            return
        if self._is_attended():
            self._pause = SHORTEST_PAUSE_SECONDS
        else:
            self._start()
        self._look_at = time.monotonic() + self._pause

    def end(self) -> None:
        """Let go of the attendant: it moves what is in the spool once more, and ends."""
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()

    def _is_attended(self) -> bool:
        try:
            with exclusive(self._settings.attendant_lock) as is_free:
                return not is_free
        except OSError as error:
            log.warning("attendant's lock can't be read", extra={"reason": str(error)})
            return True

    def _start(self) -> None:
        if self._child is not None and self._child.poll() is None and self._pause < LONGEST_PAUSE_SECONDS:
            self._pause *= 2  # it is slow to come up: another one would make it slower
            return
        self._reap()
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "services.attendant"],
                stdin=subprocess.PIPE,
                env=environment_for_own_children(),
            )
        except OSError as error:
            log.warning("attendant not started", extra={"reason": str(error)})
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def _reap(self) -> None:
        if self._child is None:
            return
        self.end()
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
