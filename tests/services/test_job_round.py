"""The whole round through a real door: a table becomes a version, a promotion, scores; runners die, gates refuse."""

import csv
import json
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from churn.data.sampler_file import write_sample
from churn.stores.api_keys import ApiKeyStore
from churn.stores.database import open_migrated
from tests.faults.doors import ROOT, Home, OpenDoor, wait_until

TINY = {"trials": 1, "candidates": ["logistic"], "workers": 1}
ROWS = 700
LEASE_SECONDS = 3


class Office:
    """A door and an admin's key."""

    def __init__(self, door: OpenDoor, key: str) -> None:
        self.door = door
        self._headers = {"x-api-key": key, "content-type": "application/json"}

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        for _ in range(10):  # a door that has just opened may need seconds to read who may do what: it says 503 then
            status, answer = self.door.ask(method, path, content, {**self._headers, **headers}, wait=40.0)
            if status != 503:
                break
            time.sleep(0.5)
        return status, json.loads(answer) if answer[:1] in b"{[" else answer.decode()

    def job(self, job_id: str) -> dict[str, Any]:
        status, found = self.ask("GET", f"/api/v1/jobs/{job_id}")
        assert status == 200, found
        return dict(found)

    def end_of(self, answer: tuple[int, Any]) -> dict[str, Any]:
        """Wait for the job that an answer names."""
        status, made = answer
        assert status == 202, made
        wait_until(lambda: self.job(made["job_id"])["status"] in {"done", "failed"}, "the job has ended", seconds=240)
        return self.job(made["job_id"])

    def activate(self, version: int, **more: object) -> tuple[int, Any]:
        """Wait until it is decided: on a busy machine a runner may need longer to start than one request may wait."""
        path, body = f"/api/v1/models/{version}/activate?wait=30", {"reason": "a test", **more}
        key = f"activate-{version}-{random.randbytes(8).hex()}"
        for _ in range(4):
            status, found = self.ask("POST", path, body, **{"idempotency-key": key})
            if status != 202:
                break
        return status, found

    def served(self) -> int | None:
        model = self.door.health()["model"]
        return int(model["version"]) if model else None


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "home"
    tables = folder / "tables"
    tables.mkdir(parents=True)
    write_sample(tables / "customers.csv", ROWS, seed=11)
    _shuffle_outcomes(tables / "customers.csv", tables / "shuffled.csv")
    shutil.copy(ROOT / "contracts" / "telco.yaml", tables / "telco.yaml")
    return Home(folder, {"CHURN_JOB_LEASE_SECONDS": str(LEASE_SECONDS), "CHURN_REQUESTS_PER_MINUTE": "100000"})


@pytest.fixture
def office(home: Home) -> Iterator[Office]:
    engine = open_migrated(f"sqlite:///{home.database}")
    key = ApiKeyStore(engine).issue("a test", role="admin", created_by="test", days=1)[1]
    engine.dispose()
    door = OpenDoor("fastapi", home)
    wait_until(lambda: _answers(door), "the door answers", seconds=60)
    office = Office(door, key)
    yield office
    office.door.kill()


def _answers(door: OpenDoor) -> bool:
    try:
        return door.ask("GET", "/livez")[0] == 200
    except OSError:
        return False


def _shuffle_outcomes(source: Path, target: Path) -> None:
    with source.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    outcomes = [row["Churn"] for row in rows]
    random.Random(0).shuffle(outcomes)
    with target.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "Churn": outcome} for row, outcome in zip(rows, outcomes, strict=True))


def runners(home: Home) -> list[psutil.Process]:
    """Runners of this home: those that a test started, and no others."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        command, environment = process.info["cmdline"] or [], process.info["environ"] or {}
        if "--attached" in command and environment.get("CHURN_HOME") == str(home.folder):
            found.append(process)
    return found


@pytest.mark.slow
def test_a_table_becomes_a_version_then_production_then_scores_and_a_bad_one_is_refused(
    office: Office, home: Home
) -> None:
    named = {"data": "customers.csv", "contract": "telco.yaml", **TINY}
    first = office.end_of(office.ask("POST", "/api/v1/retrain", named))
    assert (first["status"], first["result"]["version"]) == ("done", 1), first
    assert office.served() is None

    assert office.activate(1)[0] == 200
    wait_until(lambda: office.served() == 1, "the door follows")
    wait_until(lambda: office.ask("GET", "/api/v1/metrics")[1]["roc_auc"], "the catalogue is read")
    assert 0.6 < office.ask("GET", "/api/v1/metrics")[1]["roc_auc"]["value"] < 1

    second = office.end_of(office.ask("POST", "/api/v1/retrain", {**named, "data": "shuffled.csv"}))
    assert second["result"]["version"] == 2, second
    status, refused = office.activate(2)
    assert (status, office.served()) == (409, 1)
    assert any("roc_auc" in one["message"] for one in refused["errors"])

    assert office.activate(2, override=True)[0] == 200
    wait_until(lambda: office.served() == 2, "the door follows")
    status, back = office.activate(1)
    assert (status, back["result"]["version_before"], back["result"]["metrics"]) == (200, 2, {})
    wait_until(lambda: office.served() == 1, "the door goes back")

    assert len(_scores(office, home.folder / "tables" / "customers.csv")) == ROWS


def _scores(office: Office, table: Path) -> list[dict[str, str]]:
    boundary = "part-of-a-test"
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
    body = head.encode() + table.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    kind = {"content-type": f"multipart/form-data; boundary={boundary}"}
    job = office.end_of(office.ask("POST", "/api/v1/jobs/score", body, **kind))
    assert job["result"]["scored"] == ROWS, job
    return list(csv.DictReader(office.ask("GET", job["result_url"])[1].splitlines()))


@pytest.mark.slow
def test_a_runner_that_is_killed_while_it_trains_is_followed_by_one_that_ends_the_job(
    office: Office, home: Home
) -> None:
    named = {"data": "customers.csv", "contract": "telco.yaml", **TINY}
    status, made = office.ask("POST", "/api/v1/retrain", named)
    assert status == 202, made
    wait_until(lambda: office.job(made["job_id"])["progress"] > 0.04, "it trains", seconds=90)
    (runner,) = runners(home)

    runner.kill()
    wait_until(lambda: office.job(made["job_id"])["attempts"] == 2, "another begins", seconds=60)
    ended = office.end_of((status, made))

    assert (ended["status"], ended["result"]["version"]) == ("done", 1), ended


@pytest.mark.slow
def test_a_door_that_is_stopped_gives_its_job_back_and_the_next_door_ends_it(office: Office, home: Home) -> None:
    named = {"data": "customers.csv", "contract": "telco.yaml", **TINY}
    status, made = office.ask("POST", "/api/v1/retrain", named)
    wait_until(lambda: office.job(made["job_id"])["progress"] > 0.04, "it trains", seconds=90)
    office.door.stop()
    wait_until(lambda: not runners(home), "its runner has ended")

    office.door = OpenDoor("fastapi", home)
    wait_until(lambda: _answers(office.door), "the next door answers", seconds=60)
    ended = office.end_of((status, made))

    assert (ended["status"], ended["attempts"]) == ("done", 1), ended
