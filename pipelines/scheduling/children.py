"""Children: each run of a stage is a process of its own, with low priority, a limit of time, and a line in the log."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from churn.settings import environment_for_own_children
from pipelines.scheduling.timetable import Errand

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "cli.main")
NICENESS = 10
GRACE_SECONDS = 10.0
LOG_BYTES = 5 << 20
WORDS = 200


class Children:
    """Every process that a scheduler started and that still runs. Threads may use it at the same time."""

    def __init__(self, logs: Path, command: Sequence[str] = COMMAND) -> None:
        self._logs, self._command = logs, tuple(command)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._is_ending = False

    def run(self, errand: Errand) -> int | None:
        """Run a stage to its end, or to its limit; return its exit status, None when nothing may begin any more.

        What it says goes to a file of its name; the last line of it into the log.
        """
        started, place = time.monotonic(), self._logs / f"{errand.stage}.log"
        with _file(place) as output:
            child = self._start(errand.stage, output)
            if child is None:
                return None
            try:
                status, is_late = self._wait(child, errand.limit)
            finally:
                self._forget(child)
        facts = {"stage": errand.stage, "status": status, "seconds": round(time.monotonic() - started, 1)}
        level = logging.INFO if status in (0, 2) else logging.WARNING
        event = "stage ended at its limit" if is_late else "stage ended"
        log.log(level, event, extra={**facts, "words": _last_line(place)})
        return status

    def end(self) -> None:
        """End all, politely and then for good, and begin no more."""
        with self._lock:
            self._is_ending = True
            running = list(self._running)
        for child in running:
            _signal(child, signal.SIGTERM)
        for child in running:
            _finish(child)

    def _start(self, stage: str, output: IO[bytes]) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._is_ending:
                return None
            child = subprocess.Popen(
                (*self._command, stage),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment_for_own_children(),
                start_new_session=True,
            )
            self._running.add(child)
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)  # doors on this machine come first
        return child

    def _wait(self, child: subprocess.Popen[bytes], limit: float) -> tuple[int, bool]:
        try:
            return child.wait(limit), False
        except subprocess.TimeoutExpired:
            _signal(child, signal.SIGTERM)
            _finish(child)
            return child.wait(), True

    def _forget(self, child: subprocess.Popen[bytes]) -> None:
        _signal(child, signal.SIGKILL)  # processes of a search that outlived it
        with self._lock:
            self._running.discard(child)


def _finish(child: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    _signal(child, signal.SIGKILL)


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _file(place: Path) -> IO[bytes]:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists() and place.stat().st_size > LOG_BYTES:
        place.replace(place.with_suffix(".log.1"))
    return place.open("ab")


def _last_line(place: Path) -> str:
    with place.open("rb") as stream:
        stream.seek(max(0, place.stat().st_size - 4096))
        lines = stream.read().decode(errors="replace").split("\n")
    return next((line.strip()[:WORDS] for line in reversed(lines) if line.strip()), "")
