"""Measure POST /predict at every door, at an empty endpoint and at MLflow's server: `python -m benchmarks.http`.

Servers run on one core with everything that belongs to them (the attendant too), the load on another: 16 connections
by `wrk`. Rounds are interleaved, and each figure is the median of its rounds. Lean is `?explain=false`; with reasons is
the default answer: recommendations and risk factors too. CPU is that of the worker per request, system calls included.
The empty endpoint runs under uvicorn as it comes: without what `services/wire.py` asks of it.
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
from dataclasses import dataclass, replace
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
EMPTY, THEIRS, ONLY = "empty FastAPI", "mlflow models serve", ""
OURS = {"lean": "/predict?explain=false", "with reasons": "/predict"}
GOALS = {
    ("BentoML", "lean"): 0.5,
    ("fallback", "lean"): 0.75,
    ("BentoML", "with reasons"): 0.3,
    ("fallback", "with reasons"): 0.5,
}
"""What share of the empty endpoint's requests each door answers."""

SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = %s
function done(summary, latency, _)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format('{"requests":%%d,"rate":%%f,"p50":%%f,"p99":%%f,"failed":%%d}',
    summary.requests, summary.requests / summary.duration * 1e6,
    latency:percentile(50), latency:percentile(99), failed))
end
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of load: requests per second, latencies and the worker's CPU per request in microseconds."""

    requests: int
    rate: float
    p50: float
    p99: float
    failed: int
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a server is started and asked: paths by the name of what they ask for."""

    name: str
    command: list[str]
    script: Path
    paths: dict[str, str]


@dataclass(slots=True)
class Server:
    """One server on the first core."""

    plan: Plan
    port: int
    process: subprocess.Popen[bytes]
    ready_seconds: float

    def load(self, asked: str, seconds: int) -> Round:
        address = f"http://127.0.0.1:{self.port}{self.plan.paths[asked]}"
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
        before = self._worker_seconds()
        output = subprocess.run(wrk, check=True, capture_output=True, text=True).stdout
        found = Round(**json.loads(output[output.rindex("{") :]))
        return replace(found, cpu=(self._worker_seconds() - before) / max(found.requests, 1) * 1e6)

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
        return max(each.memory_info().rss for each in self._workers()) / 2**20

    def _worker_seconds(self) -> float:
        return sum(sum(each.cpu_times()[:2]) for each in self._workers())

    def _workers(self) -> list[psutil.Process]:
        every = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        return [each for each in every if "services.attendant" not in each.cmdline()]


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
        Plan(EMPTY, ["uvicorn", "benchmarks.empty:app", "--no-access-log"], ours, {ONLY: "/predict"}),
        Plan("BentoML", ["churn", "serve", "--door", "bento"], ours, OURS),
        Plan("fallback", ["churn", "serve", "--door", "fastapi"], ours, OURS),
        Plan(THEIRS, MLFLOW, theirs, {ONLY: "/invocations"}),
    ]
    environment |= tracking | {"PATH": f"{BIN}{os.pathsep}{environment['PATH']}", "PYTHONPATH": str(ROOT)}
    with contextlib.ExitStack() as stack:
        return _table([stack.enter_context(_running(plan, environment)) for plan in plans], rounds)


def _table(servers: list[Server], rounds: int) -> list[Measured]:
    asked = [(server, each) for server in servers for each in server.plan.paths]
    for server, each in asked:
        server.load(each, WARM_SECONDS)
    found: dict[tuple[str, str], list[Round]] = {(server.plan.name, each): [] for server, each in asked}
    for _ in range(rounds):
        for server, each in asked:
            found[server.plan.name, each].append(server.load(each, SECONDS))
            server.settle()
    rates = {key: median(each.rate for each in of_key) for key, of_key in found.items()}
    lines = [_rate_line(key, rates[key], found[key]) for key in rates]
    for (name, each), goal in GOALS.items():
        lines += _ratios(_called(name, each), rates[name, each], rates, goal)
    for server in servers[1:3]:
        for each in server.plan.paths:
            lines += _latencies(_called(server.plan.name, each), found[server.plan.name, each])
        lines += _footprint(server)
    return lines


def _called(name: str, asked: str) -> str:
    return f"{name}, {asked}" if asked else name


def _rate_line(key: tuple[str, str], rate: float, rounds: list[Round]) -> Measured:
    value = f"{rate:,.0f} /s, {median(each.cpu for each in rounds):.0f} µs CPU"
    is_ours = key in GOALS
    return Measured(
        f"{_called(*key)}: requests", value, "≥ 500 /s" if is_ours else "", rate >= 500 if is_ours else None
    )


def _ratios(called: str, rate: float, rates: dict[tuple[str, str], float], goal: float) -> list[Measured]:
    share, ratio = rate / rates[EMPTY, ONLY], rate / rates[THEIRS, ONLY]
    return [
        Measured(f"{called} / {EMPTY}", f"{share:.2f}", f"≥ {goal}", share >= goal),
        Measured(f"{called} / {THEIRS}", f"{ratio:.1f} ×", "≥ 3 ×", ratio >= 3),
    ]


def _latencies(called: str, rounds: list[Round]) -> list[Measured]:
    p50, p99 = median(each.p50 for each in rounds), median(each.p99 for each in rounds)
    failed = sum(each.failed for each in rounds)
    return [
        Measured(f"{called}: latency p50, p99", f"{p50 / 1000:.1f} ms, {p99 / 1000:.1f} ms"),
        Measured(f"{called}: p99 / p50", f"{p99 / p50:.1f}", "≤ 5", p99 <= 5 * p50),
        Measured(f"{called}: failed requests", f"{failed}", "0", failed == 0),
    ]


def _footprint(server: Server) -> list[Measured]:
    seconds, memory = server.ready_seconds, server.worker_megabytes()
    return [
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
        _wait(process, f"http://127.0.0.1:{port}{'/ping' if plan.name == THEIRS else '/readyz'}")
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
