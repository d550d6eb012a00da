"""Every example of the document is run as it stands, against a real door."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from churn.contract.contract import Contract
from churn.settings import environment_for_children
from churn.stores.users import UserStore
from services.settings import ServiceSettings
from tests.faults.conftest import home, logged, on_disk, open_door, shop
from tests.faults.doors import ROOT, Home, OpenDoor, wait_until
from tests.services.people import key_of, open_store, token_of

__all__ = ["home", "logged", "on_disk", "open_door", "shop"]

pytestmark = pytest.mark.slow
UNFINISHED = {
    "get /api/v1/jobs/{job_id}/result": {"409", "404"},  # nobody runs jobs here
    "get /api/v1/metrics": {"503", "200"},  # nothing was evaluated here
    "get /api/v1/canary": {"404", "200"},
    "get /api/v1/shadow": {"404", "200"},  # no version is the shadow
    "post /api/v1/models/{version}/activate": {"202", "409"},
    "delete /api/v1/token": {"204"},
    "post /api/v1/hooks/mlflow": {"404"},  # MLflow's to send, signed; this door has no secret for it
}
GOOD = {"200", "202"}


def blocks(document: dict[str, Any], language: str) -> Iterator[tuple[str, str]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for text in re.findall(rf"```{language}\n(.*?)\n```", operation["description"], re.DOTALL):
                yield f"{method} {path}", text


def run_curl(text: str, folder: Path, environment: dict[str, str]) -> tuple[str, str]:
    """The status and the body."""
    command = text.replace("curl -sS", "curl -sS -o answer -w '%{http_code}'", 1)
    done = subprocess.run(
        ["/bin/bash", "-euc", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (text, done.stderr)
    return done.stdout, (folder / "answer").read_text(errors="replace")


@pytest.fixture
def environment(home: Home, on_disk: int) -> dict[str, str]:
    """A key, a token, and the user whom the document signs in."""
    assert on_disk
    settings = ServiceSettings(home=home.folder)
    engine = open_store(settings)
    UserStore(engine).add("ada", "correct horse battery staple", role="viewer")
    home.environment["CHURN_EMBEDDED_JOBS"] = "false"
    key, token = key_of(engine, "admin"), token_of(settings, engine, "viewer")
    return environment_for_children(CHURN_API_KEY=key, TOKEN=token, PYTHONPATH=str(ROOT))


def a_customer_is_on_record_and_the_versions_are_listed(door: OpenDoor, customer: dict[str, Any], key: str) -> None:
    prediction_id = door.predict({**customer, "customerID": "A-1"})[1]["prediction_id"]
    wait_until(lambda: prediction_id in door.home.stored_ids(), "the customer is on record")
    wait_until(lambda: door.ask("GET", "/api/v1/models/1", headers={"x-api-key": key})[0] == 200, "versions are listed")


@pytest.mark.parametrize("kind", ["bento", "fastapi"])
def test_the_documents_requests_run_as_written(
    open_door: Callable[..., OpenDoor], environment: dict[str, str], telco: Contract, kind: str
) -> None:
    door = open_door(kind).ready()
    folder = door.home.folder.parent
    document = json.loads(door.ask("GET", "/openapi.json")[1])
    a_customer_is_on_record_and_the_versions_are_listed(door, telco.example, environment["CHURN_API_KEY"])

    curls = dict(blocks(document, "bash"))
    assert set(curls) == {f"{method} {path}" for path, item in document["paths"].items() for method in item}
    job = run_curl(curls.pop("post /api/v1/jobs/score"), folder, environment)[1]
    environment["JOB"] = json.loads(job)["job_id"]
    found = {route: run_curl(text, folder, environment) for route, text in curls.items()}
    wrong = {route: each for route, each in found.items() if each[0] not in UNFINISHED.get(route, GOOD)}
    assert wrong == {}

    assert run_python("\n".join(text for _, text in blocks(document, "python")), folder, environment) == ""
    assert len((folder / "scored.csv").read_text().splitlines()) == 2


def run_python(text: str, folder: Path, environment: dict[str, str]) -> str:
    """What it complains of."""
    program = [sys.executable, "-W", "error", "-c", text]
    return subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, check=False).stderr
