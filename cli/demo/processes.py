"""The processes of the demo: started on free ports, waited for, and stopped with all their children."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from churn.errors import ChurnError

STOP_SECONDS = 10


def free_port(wanted: int) -> int:
    """Return the wanted port, or another free one when it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ChurnError("this machine has no free port")


@dataclass(slots=True)
class Processes:
    """Every process that the demo started; each in its own session, so that its children go with it."""

    logs: Path
    environment: Mapping[str, str]
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start `command` with this Python; its output goes to a file of its name."""
        self.start_program(name, [sys.executable, "-m", *command])

    def start_program(self, name: str, command: Sequence[str]) -> None:
        """Start any program; its output goes to a file of its name."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with self.log_of(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
            )

    def run(self, name: str, command: Sequence[str]) -> str:
        """Run `command` to its end and return what it printed.

        Raises:
            ChurnError: it failed; the end of its messages is in the error.
        """
        done = subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True, env=dict(self.environment), check=False
        )
        if done.returncode:
            raise ChurnError(f"{name} ended with status {done.returncode}: {_last_lines(done.stderr or done.stdout)}")
        return done.stdout

    def wait_for(self, name: str, url: str, seconds: float) -> float:
        """Wait until `url` answers 200 and return how long that took.

        Raises:
            ChurnError: the process ended, or does not answer in time.
        """
        start = time.monotonic()
        while (waited := time.monotonic() - start) < seconds:
            if self._running[name].poll() is not None:
                break
            try:
                if httpx.get(url, timeout=2).status_code == httpx.codes.OK:
                    return waited
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise ChurnError(f"{name} is not ready at {url}: {_last_lines(self.log_of(name).read_text(errors='replace'))}")

    def log_of(self, name: str) -> Path:
        """Return the file that holds what a process printed."""
        return self.logs / f"{name}.log"

    def wait_until_one_ends(self) -> str:
        """Wait, and return the name of the first process that ended by itself."""
        while True:
            for name, process in self._running.items():
                if process.poll() is not None:
                    return name
            time.sleep(0.5)

    def stop(self) -> None:
        """Stop everything, the last started first: politely, then for good."""
        for process in reversed(self._running.values()):
            _signal(process, signal.SIGTERM)
        for process in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _last_lines(text: str) -> str:
    return " | ".join(line.strip() for line in text.strip().splitlines()[-3:]) or "it said nothing"
