"""Measure batches at a real door: `python -m benchmarks.batch [BUNDLE [ROWS]]`.

One worker of the fallback on one core, the client on another. A rate is rows per second of the worker's own processor
time, everything included: HTTP, reading, checking, scoring, recording, writing. Moving the records into SQL is the
attendant's work, and it is not running here. Other work on the machine still slows the caches: the rate of small
batches is the best of its laps, and `orjson.loads` of a customer, measured in the same minute, tells how busy it was.
"""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil

from benchmarks.customers import write_customers
from benchmarks.scoring import Measured
from churn.bundle.files import digest_of
from churn.contract.reading import load_contract
from churn.contract.table import check_table
from churn.data.csv_chunks import read_csv_chunks
from churn.data.sampler_file import write_sample
from churn.settings import environment_for_children
from services.exchange import Pointer, write_note
from services.settings import ServiceSettings

ROOT = Path(__file__).parent.parent
SMALL, LARGE = 1_000, 1_000_000
LAPS, ROUNDS = 6, 30
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Door:
    """One worker that answers alone."""

    port: int
    worker: psutil.Process

    def seconds(self) -> float:
        """Processor time of the worker until now."""
        times = self.worker.cpu_times()
        return times.user + times.system

    def send(self, path: Path, media: str, wanted: str) -> int:
        """Send a file, read its answer away, and return how many bytes it had."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600, blocksize=BLOCK)
        with contextlib.closing(connection), path.open("rb") as file:
            size = str(path.stat().st_size)
            headers = {"content-type": media, "accept": wanted, "content-length": size}
            connection.request("POST", "/predict/batch", file, headers)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            return sum(iter(lambda: len(answer.read(BLOCK)), 0))

    def megabytes(self, kind: str) -> float:
        """Memory of the worker: VmRSS now, or VmHWM at most."""
        status = Path(f"/proc/{self.worker.pid}/status").read_text(encoding="utf-8")
        return float(next(line.split()[1] for line in status.splitlines() if line.startswith(kind))) / 1024


def measure(home: Path) -> list[Measured]:
    """Return the figures of a version that a ring made: that of benchmarks.http, if it ran here before."""
    made = sorted((home / "http").glob("**/bundle/manifest.json")) or _ring(home)
    return measure_version(made[0].parent, home)


def _ring(home: Path) -> list[Path]:
    write_sample(home / "ring.csv", 7043, seed=3)
    environment = environment_for_children(CHURN_HOME=str(home / "http"), MLFLOW_DISABLE_TELEMETRY="true")
    command = [sys.executable, "-c", "from cli.main import run; run()", "ring", "--data", str(home / "ring.csv")]
    subprocess.run([*command, "--trials", "1"], check=True, env=environment, cwd=ROOT)
    return list((home / "http").glob("**/bundle/manifest.json"))


def measure_version(bundle: Path, scratch: Path, *, large: int = LARGE) -> list[Measured]:
    """Return the figures of one version."""
    table = write_customers(scratch / "large.csv", large, seed=5)
    customers = scratch / "small.json"
    customers.write_bytes(orjson.dumps(_records(table, SMALL)))
    with open_door(bundle, scratch / "batches") as door:
        small = max(_rate_of_many(door, customers, SMALL) for _ in range(LAPS))
        idle = door.megabytes("VmRSS")
        rates = {wanted: _rate(door, table, wanted, large) for wanted in ("application/x-ndjson", "text/csv")}
        memory = door.megabytes("VmHWM") - idle
    return [
        Measured("JSON, 1,000 customers", f"{small:,.0f} /s", "≥ 50,000 /s", small >= 50_000),
        *(
            Measured(f"CSV of {large:,} rows to {wanted}", f"{rate:,.0f} /s", "≥ 60,000 /s", rate >= 60_000)
            for wanted, rate in rates.items()
        ),
        Measured("memory over the idle worker", f"{memory:.0f} MB", "≤ 150 MB", memory <= 150),
        Measured("orjson.loads of one customer", f"{_busyness(customers):.2f} µs"),
    ]


def _rate_of_many(door: Door, path: Path, rows: int) -> float:
    """Processor time is counted in ticks of 10 ms: many requests make one figure."""
    before = door.seconds()
    for _ in range(ROUNDS):
        door.send(path, "application/json", "application/json")
    return ROUNDS * rows / (door.seconds() - before)


def _rate(door: Door, path: Path, wanted: str, rows: int) -> float:
    before = door.seconds()
    door.send(path, "text/csv", wanted)
    return rows / (door.seconds() - before)


def _records(table: Path, rows: int) -> list[dict[str, object]]:
    """Customers as a JSON client sends them."""
    contract = load_contract(ROOT / "contracts" / "telco.yaml")
    with table.open("rb") as stream:
        chunk = next(read_csv_chunks(stream, chunk_rows=rows))
    checked = check_table(contract, chunk.columns)
    columns = {name: [_value(cell) for cell in values.tolist()] for name, values in checked.columns.items()}
    ids = checked.customer_ids.tolist() if checked.customer_ids is not None else []
    named = {contract.customer_id or "": ids, **columns}
    return [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]


def _value(cell: float | str) -> float | str | None:
    if isinstance(cell, str):
        return cell or None
    number = round(cell, 2)
    return None if cell != cell else int(number) if number.is_integer() else number  # noqa: PLR0124  NaN


def _busyness(path: Path) -> float:
    record = orjson.dumps(orjson.loads(path.read_bytes())[0])
    began = time.process_time()
    for _ in range(20_000):
        orjson.loads(record)
    return (time.process_time() - began) / 20_000 * 1e6


@contextlib.contextmanager
def open_door(bundle: Path, home: Path) -> Iterator[Door]:
    """Open the fallback on the first core with a bundle in production, without registry, database and attendant."""
    settings = ServiceSettings(home=home)
    digest = digest_of(bundle)
    shutil.copytree(bundle, settings.bundle_folder / digest)
    write_note(Pointer(name=settings.model, version=1, digest=digest), settings.pointer_file)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from cli.main import run; run()", "serve", "--door", "fastapi"]
    environment = environment_for_children(CHURN_HOME=str(home), CHURN_ATTENDED="false", CHURN_WORKERS="1")
    process = subprocess.Popen([*command, "--port", str(port)], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield Door(port, _ready(process, port))
    finally:
        process.terminate()
        process.wait(60)


def _ready(process: subprocess.Popen[bytes], port: int) -> psutil.Process:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            with contextlib.closing(connection):
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    worker = max(psutil.Process(process.pid).children(), key=lambda each: each.memory_info().rss)
                    for thread in worker.threads():
                        os.sched_setaffinity(thread.id, {0})
                    return worker
        time.sleep(0.1)
    raise TimeoutError("the door did not open")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        rows = int(sys.argv[2]) if len(sys.argv) > 2 else LARGE
        bundle_given = len(sys.argv) > 1
        found = measure_version(Path(sys.argv[1]), Path(folder), large=rows) if bundle_given else measure(Path(folder))
        for line in found:
            print(f"{line.name:45} {line.value:>20}  {line.goal:12} {'' if line.reached is None else line.reached}")
