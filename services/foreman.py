"""The foreman: starts a runner for queued jobs when none is at work, and ends it with the attendant.

The runner is a process of its own, with the libraries that train: the attendant has neither them nor the memory.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING

from churn.errors import StoreError
from churn.settings import environment_for_own_children
from churn.stores.job_files import home_id
from churn.stores.orders import Claimant
from services.settings import ServiceSettings

if TYPE_CHECKING:
    from churn.stores.jobs import JobStore

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
RETRY_SECONDS = 60.0
GRACE_SECONDS = 12.0
SOON_SECONDS = 3.0
TAKEN = 75
"""Exit status of a runner that found another at work in this home."""

LOG_BYTES = 5 << 20
NEEDED = ("cli", "pipelines", "pandas", "sklearn", "optuna")


class Foreman:
    """Looks for jobs that wait.

    Attributes:
        problem: why nobody does them here; empty when somebody does, or there are none.
    """

    def __init__(self, settings: ServiceSettings, command: tuple[str, ...] | None = None) -> None:
        self.problem = ""
        self._settings = settings
        self._command = command or (sys.executable, "-m", "cli.main", "work", "--until-empty", "--attached")
        self._child: subprocess.Popen[bytes] | None = None
        self._retry_at = 0.0
        self._store: JobStore | None = None

    def run(self, stopping: threading.Event) -> None:
        """Look again and again until `stopping`; then the runner gives its job back, and ends."""
        if not self._settings.embedded_jobs:
            return
        while not stopping.wait(LOOK_SECONDS):
            try:
                self.look()
            except (StoreError, OSError) as error:
                log.debug("jobs not looked for", extra={"reason": str(error)})
            except Exception as error:  # the thread must outlive it: else no job is ever done again
                self.problem = f"something unexpected happened ({type(error).__name__}): the log knows where"
                log.exception("foreman stumbled")
        self.end()

    def look(self) -> None:
        """Start a runner if there is work and none is at it.

        Raises:
            StoreError: the database does not answer; who asks for jobs is told the same.
            OSError: the runner can't be started.
        """
        if self._child is not None and not self._has_ended(self._child):
            return
        if not self._is_waiting():
            self.problem = ""
        elif time.monotonic() >= self._retry_at:
            self._start()

    def end(self) -> None:
        """Let go of the runner; it has some seconds."""
        if self._child is None or self._child.stdin is None:
            return
        self._child.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(GRACE_SECONDS)
        _kill_group(self._child)
        self._child.wait()

    def _start(self) -> None:
        self._retry_at = time.monotonic() + RETRY_SECONDS
        if missing := [name for name in NEEDED if not _is_there(name)]:
            self.problem = (
                f"no runner here: this environment lacks {missing[0]}. Run `churn work` where training is installed"
            )
            return
        with _log_file(self._settings.work_log) as output:
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=environment_for_own_children(),
                start_new_session=True,
            )
        self.problem = ""
        log.info("runner started", extra={"runner": self._child.pid})

    def _has_ended(self, child: "subprocess.Popen[bytes]") -> bool:
        ended = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return False
        _kill_group(child)  # before it is reaped: a killed runner leaves the processes of its search
        status, self._child = child.wait(), None
        if child.stdin is not None:
            child.stdin.close()
        if status == TAKEN:
            self.problem, self._retry_at = "", time.monotonic() + SOON_SECONDS
        elif status:
            if status < 0:  # killed: by a machine without memory, or by hand; a job that kills is given up by the queue
                self._retry_at = time.monotonic() + SOON_SECONDS
            self.problem = f"the runner ended with status {status}: {self._settings.work_log} says why"
            log.error("runner ended badly", extra={"status": status})
        else:
            self.problem, self._retry_at = "", 0.0
        return True

    def _is_waiting(self) -> bool:
        self._store = self._store or self._open()
        home = self._settings.home.resolve()
        return self._store.is_waiting(Claimant("foreman", self._settings.model, home_id(home)))

    def _open(self) -> "JobStore":
        from churn.stores.database import open_database  # noqa: PLC0415  the lock of the attendant comes first
        from churn.stores.jobs import JobStore  # noqa: PLC0415

        return JobStore(open_database(self._settings.database_url), lease_seconds=self._settings.job_lease_seconds)


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _kill_group(child: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _log_file(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")
