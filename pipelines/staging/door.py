"""The staging door: `churn serve` in the background, in a home of its own, known by its lock and its note."""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

from churn.errors import ChurnError, ConflictError
from churn.settings import environment_for_own_children
from churn.stores.file_locks import exclusive, lock_alone
from churn.stores.registry import STAGING
from pipelines.settings import PipelineSettings

STOP_SECONDS = 40.0
KILL_SECONDS = 10.0
PAUSE_SECONDS = 0.1
LAST_LINES = 5
NOT_OF_THE_BUILD = {"JENKINS_NODE_COOKIE": "dontKillMe", "BUILD_ID": "dontKillMe"}
"""Jenkins kills what a step leaves behind, and knows it by these."""


@dataclass(frozen=True, slots=True)
class Note:
    """What is noted of a door that was started."""

    pid: int
    url: str
    kind: str


class StagingDoor:
    """A door in the background; whoever has its home finds it again.

    The process holds a lock that it was started with, so that a door that died is never taken for one that lives,
    nor another process that got its number for the door.
    """

    def __init__(self, settings: PipelineSettings) -> None:
        self._settings = settings
        self.home = settings.home.resolve() / "staging"
        self.log = self.home / "door.log"
        self._note, self._lock = self.home / "door.json", self.home / "door.lock"

    def is_running(self) -> bool:
        """Say whether the process lives, whether or not it answers."""
        if not self._lock.exists():
            return False
        with exclusive(self._lock) as is_free:
            return not is_free

    def note(self) -> Note | None:
        """Return what was noted when it was started; None when nothing was."""
        try:
            return Note(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def start(self, kind: str) -> Note:
        """Start the process; it does not answer at once.

        Args:
            kind: bento or fastapi.

        Raises:
            ConflictError: somebody else started it just now.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not lock_alone(handle):
                raise ConflictError("the staging door is being started by somebody else: try again")
            return self._started(kind, handle)
        finally:
            os.close(handle)  # the lock is the process's now: it lasts until its last holder is gone

    def stop(self) -> None:
        """Stop the process with all its children; politely, then for good.

        Raises:
            ChurnError: it lives, and nothing says which process it is.
        """
        note = self.note()
        if self.is_running():
            if note is None:
                raise ChurnError(f"a staging door runs and {self._note} does not name it: stop its `churn serve`")
            self._signal(note, signal.SIGTERM, STOP_SECONDS)
            self._signal(note, signal.SIGKILL, KILL_SECONDS)
        self._note.unlink(missing_ok=True)

    def last_words(self) -> str:
        """Return the end of what the process said."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return " | ".join(line.strip() for line in lines[-LAST_LINES:]) or "it said nothing"

    def _started(self, kind: str, handle: int) -> Note:
        port = self._settings.staging_port
        command = [sys.executable, "-m", "cli.main", "serve", "--door", kind, "--port", str(port), "--workers", "1"]
        output = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.set_inheritable(handle, True)  # noqa: FBT003  it has no other form
        pid = os.posix_spawn(  # not subprocess: it warns of a process that outlives its object, as this one does
            sys.executable,
            command,
            self._environment(),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.log), output, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        note = Note(pid, f"http://127.0.0.1:{port}", kind)
        self._note.write_text(json.dumps({"pid": note.pid, "url": note.url, "kind": note.kind}), encoding="utf-8")
        return note

    def _environment(self) -> dict[str, str]:
        """The same registry under another alias; a store of its own, since nobody is a customer there."""
        return {
            **environment_for_own_children(),
            "CHURN_HOME": str(self.home),
            "CHURN_ALIAS": STAGING,
            "CHURN_MODEL": self._settings.model,
            "CHURN_TRACKING_URI": self._settings.tracking_uri,
            "CHURN_DATABASE_URL": f"sqlite:///{self.home / 'churn.db'}",
            "CHURN_EMBEDDED_JOBS": "false",
            "CHURN_HOST": "127.0.0.1",
            "CHURN_PREDICT_ACCESS": "open",  # keys are in the store of production
            **NOT_OF_THE_BUILD,
        }

    def _signal(self, note: Note, number: signal.Signals, seconds: float) -> None:
        """Send a signal to the door's session while it lives, and wait for its end."""
        if not self.is_running():
            return
        with suppress(ProcessLookupError):
            os.killpg(note.pid, number)
        deadline = time.monotonic() + seconds
        while self.is_running() and time.monotonic() < deadline:
            _reap(note.pid)
            time.sleep(PAUSE_SECONDS)


def _reap(pid: int) -> None:
    """A child of this very process leaves its number behind until it is asked for."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
