"""Measure POST /predict at every door, at an empty endpoint and at MLflow's server: `python -m benchmarks.http`.

Servers run on one core with everything that belongs to them (the attendant too), the load on another: 16 connections
by `wrk`. Rounds are interleaved, and each figure is the median of its rounds.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil

from benchmarks.scoring import Measured
from churn.contract.reading import load_contract
from churn.data.sampler_file import write_sample
from churn.settings import environment_for_children

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
CONNECTIONS = 16
ROUNDS = 5
SECONDS = 4
WARM_SECONDS = 3
SETTLE_SECONDS = 30
MLFLOW = ["mlflow", "models", "serve", "-m", "models:/churn@production", "--env-manager", "local"]
SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = %s
function done(summary, latency, _)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format('{"rate":%%f,"p50":%%f,"p99":%%f,"failed":%%d}',
    summary.requests / summary.duration * 1e6, latency:percentile(50), latency:percentile(99), failed))
end
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of load: requests per second, and latencies in microseconds."""

    rate: float
    p50: float
    p99: float
    failed: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How a server is started and asked."""

    name: str
    command: list[str]
    script: Path
    path: str = "/predict"


@dataclass(slots=True)
class Server:
    """One server on the first core."""

    plan: Plan
    port: int
    process: subprocess.Popen[bytes]
    ready_seconds: float

    def load(self, seconds: int) -> Round:
        address = f"http://127.0.0.1:{self.port}{self.plan.path}"
        wrk = [
            "taskset",
            "-c",
            "1",
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            "-s",
            str(self.plan.script),
            address,
        ]
        output = subprocess.run(wrk, check=True, capture_output=True, text=True).stdout
        return Round(**json.loads(output[output.rindex("{") :]))

    def settle(self) -> None:
        """Let the attendant store what this round recorded: it is this round's work, not the next server's."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/api/v1/health", timeout=10)
            if answer.is_error or not answer.json()["recorder_backlog"]:
                return
            time.sleep(0.2)

    def worker_megabytes(self) -> float:
        """Memory of the process that answers: the largest of those that are not the attendant."""
        every = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        return max(each.memory_info().rss for each in every if "services.attendant" not in each.cmdline()) / 2**20


def measure(home: Path, *, rounds: int = ROUNDS) -> list[Measured]:
    """Return the figures of all doors."""
    if not shutil.which("wrk"):
        return [Measured("HTTP", "not measured: install wrk")]
    environment = environment_for_children(CHURN_HOME=str(home / "http"), MLFLOW_DISABLE_TELEMETRY="true")
    write_sample(home / "ring.csv", 7043, seed=3)
    churn = [str(BIN / "churn")]
    subprocess.run(
        [*churn, "ring", "--data", str(home / "ring.csv"), "--trials", "1"], check=True, env=environment, cwd=ROOT
    )
    example = load_contract(ROOT / "contracts" / "telco.yaml").example
    ours, theirs = _script(home / "ours.lua", example), _script(home / "mlflow.lua", _mlflow_body(example))
    tracking = {"MLFLOW_TRACKING_URI": f"sqlite:///{home / 'http' / 'mlflow.db'}"}
    plans = [
        Plan("empty FastAPI", ["uvicorn", "benchmarks.empty:app", "--no-access-log"], ours),
        Plan("BentoML", ["churn", "serve", "--door", "bento"], ours),
        Plan("fallback", ["churn", "serve", "--door", "fastapi"], ours),
        Plan("mlflow models serve", MLFLOW, theirs, path="/invocations"),
    ]
    environment |= tracking | {"PATH": f"{BIN}{os.pathsep}{environment['PATH']}", "PYTHONPATH": str(ROOT)}
    with contextlib.ExitStack() as stack:
        return _table([stack.enter_context(_running(plan, environment)) for plan in plans], rounds)


def _table(servers: list[Server], rounds: int) -> list[Measured]:
    for server in servers:
        server.load(WARM_SECONDS)
    found: dict[str, list[Round]] = {server.plan.name: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            found[server.plan.name].append(server.load(SECONDS))
            server.settle()
    rate = {name: median(each.rate for each in all_rounds) for name, all_rounds in found.items()}
    lines = [Measured(f"{name}: requests", f"{rate[name]:,.0f} /s") for name in rate]
    for name, goal in [("BentoML", 0.35), ("fallback", 0.6)]:
        share, ratio = rate[name] / rate["empty FastAPI"], rate[name] / rate["mlflow models serve"]
        lines.append(Measured(f"{name} / empty FastAPI", f"{share:.2f}", f"≥ {goal}", share >= goal))
        lines.append(Measured(f"{name} / mlflow models serve", f"{ratio:.1f} ×", "≥ 3 ×", ratio >= 3))
    for server in servers[1:3]:
        lines += _lines_of(server, found[server.plan.name])
    return lines


def _lines_of(server: Server, rounds: list[Round]) -> list[Measured]:
    p50, p99 = median(each.p50 for each in rounds), median(each.p99 for each in rounds)
    memory, failed = server.worker_megabytes(), sum(each.failed for each in rounds)
    seconds = server.ready_seconds
    return [
        Measured(f"{server.plan.name}: latency p50, p99", f"{p50 / 1000:.1f} ms, {p99 / 1000:.1f} ms"),
        Measured(f"{server.plan.name}: p99 / p50", f"{p99 / p50:.1f}", "≤ 6", p99 <= 6 * p50),
        Measured(f"{server.plan.name}: failed requests", f"{failed}", "0", failed == 0),
        Measured(f"{server.plan.name}: start to ready", f"{seconds:.1f} s", "≤ 8 s", seconds <= 8),
        Measured(f"{server.plan.name}: memory of the worker", f"{memory:.0f} MB", "≤ 350 MB", memory <= 350),
    ]


@contextlib.contextmanager
def _running(plan: Plan, environment: dict[str, str]) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.monotonic()
    command = [*plan.command, "--port", str(port)]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        _wait(process, f"http://127.0.0.1:{port}{'/ping' if plan.path == '/invocations' else '/readyz'}")
        seconds = time.monotonic() - began
        time.sleep(3)  # an attendant may still be loading
        _bind_to_first_core(process.pid)
        yield Server(plan, port, process, seconds)
    finally:
        process.terminate()
        process.wait(60)


def _bind_to_first_core(pid: int) -> None:
    """A start is measured on the whole machine; then everything of the server shares one core."""
    for each in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        for thread in each.threads():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread.id, {0})


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310  our own address
                return
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:  # the empty one has no such path
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError(f"{address} did not answer")


def _script(path: Path, body: dict[str, Any]) -> Path:
    path.write_text(SCRIPT % json.dumps(json.dumps(body)), encoding="utf-8")
    return path


def _mlflow_body(example: dict[str, Any]) -> dict[str, Any]:
    typed = [value if isinstance(value, str) else float(value) for value in example.values()]
    return {"dataframe_split": {"columns": list(example), "data": [typed]}}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for line in measure(Path(scratch)):
            print(f"{line.name:45} {line.value:>20}  {line.goal:10} {'' if line.reached is None else line.reached}")
