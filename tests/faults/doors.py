"""Real doors in real processes at temporary homes, and a client that keeps count of what it was promised."""

import http.client
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import NullPool, create_engine, text

from churn.settings import environment_for_children
from tests.postgres import free_port

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 60.0
ANSWER_SECONDS = 15.0
PATIENCE_SECONDS = 60.0
"""A busy machine is no fault: who promises to be quicker says so."""


def wait_until(is_so: Callable[[], object], what: str, *, seconds: float = PATIENCE_SECONDS) -> float:
    """Return how long it took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, f"waited {seconds} s until {what}"
        time.sleep(0.05)
    return time.monotonic() - began


@dataclass
class Home:
    """An installation of the test's own."""

    folder: Path
    environment: dict[str, str]

    @property
    def database(self) -> Path:
        return self.folder / "churn.db"

    def stored_ids(self) -> list[str]:
        """Every recorded prediction_id, with repeats if there were any."""
        if server := self.environment.get("CHURN_DATABASE_URL"):
            return _ids_in(server)
        if not self.database.exists():
            return []
        with sqlite3.connect(self.database, timeout=20) as connection:
            tables = {name for (name,) in connection.execute("select name from sqlite_master")}
            query = "select prediction_id from predictions"
            found = [name for (name,) in connection.execute(query)] if "predictions" in tables else []
        connection.close()
        return found


def _ids_in(url: str) -> list[str]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return [name for (name,) in connection.execute(text("SELECT prediction_id FROM predictions"))]


@dataclass
class OpenDoor:
    """`churn serve` at a free port."""

    kind: str
    home: Home
    workers: int = 1
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Start it; also again, at the same port, when it has ended."""
        command = [sys.executable, "-c", "from cli.main import run; run()", "serve", "--door", self.kind]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), "--workers", str(self.workers)],
            cwd=ROOT,
            env=environment_for_children(**self.home.environment, CHURN_HOME=str(self.home.folder)),
            start_new_session=True,
        )

    def ready(self) -> "OpenDoor":
        wait_until(self.is_ready, f"{self.kind} is ready", seconds=START_SECONDS)
        return self

    def is_ready(self) -> bool:
        assert self.process.poll() is None, f"{self.kind} ended with {self.process.returncode}"
        try:
            return self.ask("GET", "/readyz", wait=5.0)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        wait: float = ANSWER_SECONDS,
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=wait)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def predict(
        self, customer: dict[str, Any], *, key: str | None = None, wait: float = ANSWER_SECONDS
    ) -> tuple[int, dict[str, Any]]:
        headers = {"content-type": "application/json", **({"idempotency-key": key} if key else {})}
        status, content = self.ask("POST", "/predict", json.dumps(customer).encode(), headers, wait=wait)
        return status, json.loads(content)

    def health(self) -> dict[str, Any]:
        return dict(json.loads(self.ask("GET", "/api/v1/health")[1]))

    def metric(self, line: str) -> float:
        """The sum over all samples whose line begins so."""
        text = self.ask("GET", "/metrics")[1].decode()
        return sum(float(each.rpartition(" ")[2]) for each in text.splitlines() if each.startswith(line))

    def worker_processes(self) -> list[psutil.Process]:
        marks = ("multiprocessing.spawn", "_bentoml_impl.worker.service")
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [each for each in children if any(mark in " ".join(_command(each)) for mark in marks)]

    def processes(self) -> list[psutil.Process]:
        master = psutil.Process(self.process.pid)
        return [master, *master.children(recursive=True)]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)

    def kill(self) -> None:
        """Kill everything that this door consists of, at once."""
        for each in self.processes():
            if each.is_running():
                each.kill()
        self.process.wait(timeout=10)


def attendants(home: Home) -> list[int]:
    """Processes that hold the attendant's lock at this home."""
    try:
        state = json.loads((home.folder / "attendant.json").read_bytes())
    except FileNotFoundError:
        return []
    return [state["pid"]] if psutil.pid_exists(state["pid"]) and time.time() - state["at"] < 5 else []


def attendant_at_work(home: Home) -> int:
    """Wait for the one that holds the lock, and return its process."""
    found: list[int] = []
    wait_until(lambda: found.extend(attendants(home)) or found, "an attendant is at work")
    return found[0]


class Load(threading.Thread):
    """Sends customers one after another; a request that broke off is sent again with its key.

    Attributes:
        acknowledged: ids whose answer said that they are recorded.
        answered: ids that were answered at all, with the version that answered.
        failures: statuses that were not 200.
        breaks: how many connections broke.
    """

    def __init__(self, door: OpenDoor, name: str, customer: dict[str, Any], *, pause: float = 0.005) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[str] = []
        self.answered: dict[str, str] = {}
        self.failures: list[int] = []
        self.breaks = 0
        self._door, self._name, self._customer, self._pause = door, name, customer, pause
        self._stopping = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._stopping.wait(self._pause):
            number += 1
            self._send(f"{self._name}-{number:08}")

    def finish(self) -> "Load":
        self._stopping.set()
        self.join()
        return self

    def _send(self, key: str) -> None:
        while not self._stopping.is_set():
            try:
                status, found = self._door.predict(self._customer, key=key, wait=ANSWER_SECONDS)
            except (OSError, http.client.HTTPException):
                self.breaks += 1
                time.sleep(0.05)
                continue
            if status != 200:
                self.failures.append(status)
                return
            self.answered[key] = found["model_version"]
            if found["recorded"]:
                self.acknowledged.append(key)
            return


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
