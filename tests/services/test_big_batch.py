"""Large files at a real door: memory stays flat, and single customers are answered meanwhile."""

import contextlib
import http.client
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from churn.settings import environment_for_own_children
from services.settings import ServiceSettings
from tests.faults.doors import Home, OpenDoor
from tests.services.conftest import CUSTOMER, promote_on_disk

ROWS = 250_000
LINE = "C{:09},Female,0,Yes,No,12,Yes,No,Fiber optic,No,Yes,No,No,No,Yes,Month-to-month,Yes,Electronic check,85.5,{}\n"
HEADER = (
    "customerID,gender,SeniorCitizen,Partner,Dependents,tenure,PhoneService,MultipleLines,InternetService,"
    "OnlineSecurity,OnlineBackup,DeviceProtection,TechSupport,StreamingTV,StreamingMovies,Contract,PaperlessBilling,"
    "PaymentMethod,MonthlyCharges,TotalCharges\n"
)
MOST_MEGABYTES = 150


@pytest.fixture
def door(tmp_path: Path, bundle_folder: Path) -> Iterator[OpenDoor]:
    promote_on_disk(ServiceSettings(home=tmp_path / "home"), bundle_folder, version=1)
    environment = environment_for_own_children() | {"CHURN_ATTENDED": "false", "TMPDIR": str(tmp_path)}
    door = OpenDoor("fastapi", Home(tmp_path / "home", environment)).ready()
    yield door
    door.kill()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "large.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        file.writelines(LINE.format(row, row / 100) for row in range(ROWS))
    return path


def memory(door: OpenDoor, kind: str) -> float:
    """VmRSS now, or VmHWM at most, of the worker: megabytes."""
    worker = max(door.worker_processes(), key=lambda each: each.memory_info().rss)
    status = Path(f"/proc/{worker.pid}/status").read_text(encoding="utf-8")
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith(kind))) / 1024


def send(door: OpenDoor, body: object, headers: dict[str, str]) -> tuple[int, bytes]:
    """Send a table; returns the number of lines of the answer, and the last of them."""
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=120, blocksize=1 << 20)
    with contextlib.closing(connection):
        connection.request("POST", "/predict/batch", body, {"accept": "application/x-ndjson", **headers})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        lines, last = 0, b""
        while block := answer.read(1 << 20):
            lines += block.count(b"\n")
            last = (last + block)[-1_000:]
    return lines, last.splitlines()[-1]


def form_of(path: Path) -> tuple[Iterator[bytes], dict[str, str]]:
    """Return a form with the file, a block at a time."""
    head = b'--x\r\ncontent-disposition: form-data; name="file"; filename="large.csv"\r\ncontent-type: text/csv\r\n\r\n'
    tail = b"\r\n--x--\r\n"

    def blocks() -> Iterator[bytes]:
        yield head
        with path.open("rb") as file:
            yield from iter(lambda: file.read(1 << 20), b"")
        yield tail

    size = len(head) + path.stat().st_size + len(tail)
    return blocks(), {"content-type": "multipart/form-data; boundary=x", "content-length": str(size)}


class Singles(threading.Thread):
    """Asks for one customer after another, and notes how long each took."""

    def __init__(self, door: OpenDoor) -> None:
        super().__init__(daemon=True)
        self.seconds: list[float] = []
        self.is_over = False
        self._door = door

    def run(self) -> None:
        while not self.is_over:
            began = time.monotonic()
            assert self._door.predict(CUSTOMER, wait=30.0)[0] == 200
            self.seconds.append(time.monotonic() - began)
            time.sleep(0.02)


@pytest.mark.slow
def test_a_large_file_in_a_form_is_answered_within_the_memory_and_beside_single_customers(
    door: OpenDoor, table: Path
) -> None:
    send(door, (HEADER + LINE.format(0, 1)).encode(), {"content-type": "text/csv"})
    idle, singles = memory(door, "VmRSS"), Singles(door)
    singles.start()

    lines, last = send(door, *form_of(table))

    singles.is_over = True
    singles.join()
    assert lines == ROWS + 1
    assert b'"summary"' in last
    assert memory(door, "VmHWM") - idle < MOST_MEGABYTES
    assert len(singles.seconds) > 10
    assert sorted(singles.seconds)[len(singles.seconds) // 2] < 0.5


@pytest.mark.slow
def test_a_large_body_of_json_is_answered_within_the_memory(door: OpenDoor) -> None:
    send(door, (HEADER + LINE.format(0, 1)).encode(), {"content-type": "text/csv"})
    idle = memory(door, "VmRSS")
    record = b'{"customerID":"C%09d","tenure":12,"Contract":"One year","MonthlyCharges":79.4},\n'
    text = b"[" + b"".join(record % row for row in range(ROWS)).rstrip(b",\n") + b"]"

    lines, last = send(door, io.BytesIO(text), {"content-type": "application/json", "content-length": str(len(text))})

    assert lines == ROWS + 1
    assert b'"summary"' in last
    assert memory(door, "VmHWM") - idle < MOST_MEGABYTES
