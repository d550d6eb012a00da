"""Stopping: SIGTERM reaches a job at any point but in its last step, which must be whole."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0


class Stopped(BaseException):
    """The runner has to end now. No Exception: nothing that a stage catches may hold it up."""


class Stopping:
    """What SIGTERM and SIGINT mean for this process.

    Attributes:
        is_asked: set by the first of them; the heart gives the job back then.
    """

    def __init__(self) -> None:
        self.is_asked = threading.Event()
        self._is_raising = False

    def install(self) -> "Stopping":
        """Listen to signals; only a process's main thread can."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)
        return self

    def follow_parent(self) -> None:
        """Stop when standard input ends: its other end is held by who started this process."""
        threading.Thread(target=self._wait_for_parent, name="parent", daemon=True).start()

    def _wait_for_parent(self) -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(GRACE_SECONDS)
        log.warning("killed: the job did not stop in time")
        os.kill(0 if os.getpgrp() == os.getpid() else os.getpid(), signal.SIGKILL)  # with the processes of a search

    @contextmanager
    def working(self) -> Iterator[None]:
        """Let a signal raise Stopped in this block."""
        try:
            self._is_raising = True
            self._raise_if_asked()
            yield
        finally:
            self._is_raising = False

    def hold(self) -> None:
        """Raise no more in this block, unless it was asked already: what follows must not be torn."""
        self._raise_if_asked()
        self._is_raising = False

    def _raise_if_asked(self) -> None:
        if self.is_asked.is_set():
            raise Stopped

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.is_asked.set()
        if self._is_raising:
            self._is_raising = False  # once: cleaning up must not be torn
            raise Stopped
