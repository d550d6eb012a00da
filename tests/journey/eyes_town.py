"""A whole installation for the journey: doors, exporter, Prometheus and Alertmanager on free ports, one home."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from churn.settings import environment_for_children
from churn.stores.database import open_database
from churn.stores.drift import DriftRun, DriftStore
from churn.stores.retrain_decisions import RetrainDecision, RetrainDecisionStore
from cli.demo.processes import Processes, free_port
from cli.demo.watchers import write_alertmanager, write_prometheus
from tests.faults.receiver import Receiver
from tests.monitoring.programs import require

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 240.0
FACTOR = 60
"""An hour of the rules is a minute here."""


@dataclass(frozen=True, slots=True)
class Town:
    """What is running, and where."""

    home: Path
    processes: Processes
    ports: dict[str, int]
    began: float

    @property
    def doors(self) -> tuple[str, str]:
        return tuple(f"http://127.0.0.1:{self.ports[f'churn-{one}']}" for one in ("bento", "fastapi"))  # type: ignore[return-value]

    def say(self, words: str) -> None:
        """Tell whoever watches (`make eyes`)."""
        print(f"[{time.monotonic() - self.began:5.0f} s] {words}", file=sys.stderr, flush=True)  # noqa: T201

    def churn(self, *arguments: str) -> str:
        """Run a command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=ROOT, env=dict(self.processes.environment), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (arguments, done.stdout[-2000:], done.stderr[-4000:])
        return done.stdout

    def open_doors(self) -> None:
        for kind in ("bento", "fastapi"):
            port = str(self.ports[f"churn-{kind}"])
            self.processes.start(kind, ["cli.main", "serve", "--door", kind, "--port", port])
        self.processes.start("exporter", ["cli.main", "exporter", "--port", str(self.ports["churn-exporter"])])
        for kind, door in zip(("bento", "fastapi"), self.doors, strict=True):
            self.processes.wait_for(kind, f"{door}/readyz", PATIENCE_SECONDS)

    def schedule(self, *times: str) -> None:
        """Let the local scheduler work from now on."""
        self.processes.start(
            "schedule", ["cli.main", "schedule", *(word for one in times for word in ("--every", one))]
        )

    def watch(self, receiver: Receiver) -> None:
        """Start Prometheus and Alertmanager with this project's files, in quicker time."""
        folder = self.home / "watching"
        folder.mkdir()
        prometheus = write_prometheus(folder, self.ports, factor=FACTOR)
        listen = "--web.listen-address=127.0.0.1:"
        self.processes.start_program(
            "alertmanager",
            [
                require("prometheus-alertmanager", "prometheus-alertmanager"),
                f"--config.file={write_alertmanager(folder, receiver.url)}",
                f"--storage.path={folder / 'alerts'}",
                "--cluster.listen-address=",
                f"{listen}{self.ports['alertmanager']}",
            ],
        )
        self.processes.start_program(
            "prometheus",
            [
                require("prometheus", "prometheus"),
                f"--config.file={prometheus}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"{listen}{self.ports['prometheus']}",
            ],
        )
        self.processes.wait_for("prometheus", f"{self.prometheus}/-/ready", PATIENCE_SECONDS)
        self.processes.wait_for("alertmanager", f"http://127.0.0.1:{self.ports['alertmanager']}/-/ready", 60)

    @property
    def prometheus(self) -> str:
        return f"http://127.0.0.1:{self.ports['prometheus']}"

    def metric(self, query: str) -> float | None:
        """Ask Prometheus; None: no series, or no answer yet."""
        try:
            answer = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": query}, timeout=10)
        except httpx.TransportError:
            return None
        found = answer.json()["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def versions(self) -> set[int]:
        """What both doors serve."""
        answers = [httpx.get(f"{door}/api/v1/health", timeout=10).json() for door in self.doors]
        return {int(one["model"]["version"]) for one in answers}

    def newest_drift(self) -> DriftRun | None:
        with self._database() as engine:
            runs = DriftStore(engine).history("churn", limit=1)
        return runs[0] if runs else None

    def decisions(self) -> list[RetrainDecision]:
        with self._database() as engine:
            return RetrainDecisionStore(engine).history("churn")

    @contextmanager
    def _database(self) -> Iterator[Any]:
        engine = open_database(f"sqlite:///{self.home / 'churn.db'}")
        yield engine
        engine.dispose()

    def wait(self, is_so: Callable[[], object], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        began = time.monotonic()
        while not is_so():
            if time.monotonic() - began > seconds:
                pytest.fail(f"waited {seconds:.0f} s in vain until {what}; logs are in {self.processes.logs}")
            time.sleep(0.3)
        self.say(f"{what} (waited {time.monotonic() - began:.0f} s)")


@contextmanager
def standing(home: Path) -> Iterator[Town]:
    """An empty home; whatever was started in it is stopped."""
    environment = environment_for_children(CHURN_HOME=str(home), CHURN_ACTOR="journey", OMP_NUM_THREADS="1")
    names = ("churn-bento", "churn-fastapi", "churn-exporter", "prometheus", "alertmanager")
    town = Town(home, Processes(home / "logs", environment), {name: free_port(0) for name in names}, time.monotonic())
    try:
        yield town
    finally:
        town.processes.stop()
