"""What real doors write, in both formats, while they are sent a secret in every place, and a worker is killed."""

import json
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from services.exchange import Pointer, write_note
from services.settings import ServiceSettings
from tests.faults.doors import Home, OpenDoor, wait_until
from tests.services.collector import Collector, collecting

pytestmark = pytest.mark.slow
SECRET = "Xq7-4711-Nowhere"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
JSON = {"content-type": "application/json"}
TEXT_LINE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z [A-Z]+ (bento|fastapi|attendant)\[\d+\] \S")
Open = Callable[[str, dict[str, str]], OpenDoor]


@pytest.fixture
def open_door(tmp_path: Path, bundle_folder: Path) -> Iterator[Open]:
    settings, opened = ServiceSettings(home=tmp_path / "home"), []
    shutil.copytree(bundle_folder, settings.bundle_folder / digest_of(bundle_folder))
    write_note(Pointer(name="churn", version=1, digest=digest_of(bundle_folder)), settings.pointer_file)

    def open_one(kind: str, variables: dict[str, str]) -> OpenDoor:
        opened.append(OpenDoor(kind, Home(settings.home, variables)))
        return opened[-1].ready()

    yield open_one
    for door in opened:
        if door.process.poll() is None:
            door.kill()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@dataclass(frozen=True)
class Spoken:
    """What to say, and what was said."""

    telco: Contract
    capfd: pytest.CaptureFixture[str]


@pytest.fixture
def spoken(telco: Contract, capfd: pytest.CaptureFixture[str]) -> Spoken:
    return Spoken(telco, capfd)


def send_secrets(door: OpenDoor, telco: Contract) -> list[int]:
    """Send the secret wherever a client can put it; return the statuses."""
    good = {**telco.example, "customerID": SECRET}
    bad = [{**telco.example, name: SECRET} for name in telco.columns]
    bodies = [json.dumps(each).encode() for each in (good, *bad, {**good, SECRET: SECRET}, [SECRET], SECRET)]
    asked = [door.ask("POST", "/predict", body, JSON) for body in (*bodies, f'{{"gender": "{SECRET}'.encode())]
    headers = {
        "user-agent": SECRET, "traceparent": SECRET, "idempotency-key": f"{SECRET}!", "x-request-id": f"{SECRET} !",
        "cookie": SECRET, "baggage": f"a={SECRET}",
    }  # fmt: skip
    asked.append(door.ask("POST", "/predict", bodies[0], {**JSON, **headers}))
    shown = [{**JSON, name: f"Bearer hf_{SECRET}"} for name in ("x-api-key", "authorization")]
    asked += [door.ask("POST", "/predict", bodies[0], each) for each in shown]
    for path in (
        f"/{SECRET}",
        f"/api/v1/explain?customer_id={SECRET}",
        f"/predict?{SECRET}",
        f"/api/v1/models/{SECRET}",
    ):
        asked += [door.ask("GET", path), door.ask("POST", path, bodies[0], JSON)]
    sign_in = f"username={SECRET}&password={SECRET}".encode()
    asked.append(door.ask("POST", "/api/v1/token", sign_in, {"content-type": "application/x-www-form-urlencoded"}))
    asked += [door.ask("POST", "/predict/batch", *table) for table in tables(telco)]
    asked.append(door.ask(SECRET.replace("-", "").upper(), "/predict"))
    with socket.create_connection(("127.0.0.1", door.port)) as raw:
        raw.sendall(f"{SECRET} {SECRET}\r\n\r\n".encode())
        raw.recv(1000)
    return [status for status, _ in asked]


def tables(telco: Contract) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Yield a CSV with a good row and bad ones, and one that is none, as bodies with their headers."""
    head, row = ",".join(("customerID", *telco.columns)), ",".join(("c", *map(str, telco.example.values())))
    rows = "\n".join([head, row.replace("c,", f"{SECRET},", 1), row.replace(",12,", f",{SECRET},"), f"{SECRET},,,"])
    for content in (rows, f"{SECRET},{SECRET}\n1,2", f"\x00{SECRET}"):
        part = (
            f'--b\r\ncontent-disposition: form-data; name="file"; filename="{SECRET}.csv"\r\n\r\n{content}\r\n--b--\r\n'
        )
        yield part.encode(), {"content-type": "multipart/form-data; boundary=b"}


def kill_a_worker(door: OpenDoor) -> None:
    victim = door.worker_processes()[0]
    victim.kill()
    psutil.wait_procs([victim], timeout=10)
    wait_until(lambda: door.worker_processes() and door.is_ready(), "it is replaced", seconds=60)


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize("kind", ["bento", "fastapi"])
def test_every_line_is_in_the_one_format_and_none_holds_what_a_client_sent(
    open_door: Open, spoken: Spoken, kind: str, log_format: str
) -> None:
    door = open_door(kind, {"CHURN_LOG_FORMAT": log_format, "CHURN_ACCESS_LOG": "true"})
    statuses = send_secrets(door, spoken.telco)
    sent = {**JSON, "traceparent": f"00-{TRACE}-{SPAN}-01", "x-request-id": "the-request"}
    assert door.ask("POST", "/predict", json.dumps(spoken.telco.example).encode(), sent)[0] == 200
    time.sleep(1)  # a line is written after its answer
    kill_a_worker(door)
    assert door.stop() == 0
    said, lines = spoken.capfd.readouterr()

    assert {200, 400, 401, 404, 405, 422} <= set(statuses)
    assert 500 not in statuses
    assert SECRET not in said + lines
    assert SECRET.replace("-", "").upper() not in said + lines
    assert len(said.splitlines()) == 1
    assert len(lines.splitlines()) > len(statuses)
    if log_format == "text":
        assert [line for line in lines.splitlines() if not TEXT_LINE.match(line)] == []
        return
    events = [json.loads(line) for line in lines.splitlines()]
    (line,) = [event for event in events if event.get("request_id") == "the-request"]
    known = {name: line[name] for name in ("process", "trace_id", "route", "status", "door", "model_version")}
    assert known == {
        "process": kind, "trace_id": TRACE, "route": "/predict", "status": 200, "door": kind, "model_version": 1,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["bento", "fastapi"])
def test_a_door_s_spans_reach_the_collector_and_hold_no_secret_either(
    open_door: Open, telco: Contract, collector: Collector, kind: str
) -> None:
    door = open_door(kind, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address, "OTEL_BSP_SCHEDULE_DELAY": "200"})
    send_secrets(door, telco)
    sent = {**JSON, "traceparent": f"00-{TRACE}-{SPAN}-01"}
    assert door.ask("POST", "/predict", json.dumps(telco.example).encode(), sent)[0] == 200
    wait_until(lambda: TRACE in {each["trace_id"] for each in collector.spans}, "the span is there")
    assert door.stop() == 0

    (span,) = [each for each in collector.spans if each["trace_id"] == TRACE]
    assert (span["name"], span["parent_id"], span["churn.door"]) == ("POST /predict", SPAN, kind)
    assert (span["http.response.status_code"], span["churn.model_version"]) == (200, 1)
    assert SECRET.encode() not in collector.raw
    assert {each["service.name"] for each in collector.resources} == {"holdfast"}
