"""GET /api/v1/canary: a door, a store, and an attendant's work done by hand."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from churn.stores.api_keys import ApiKeyStore
from churn.stores.database import open_migrated
from churn.stores.predictions import PredictionStore
from churn.stores.relay import Relay
from services.exchange import AttendantState, CanaryState, write_note
from services.listed import Catalogue
from services.worker import Worker
from tests.services.conftest import CUSTOMER, await_canary, canary_on_disk

PATH = "/api/v1/canary"


@dataclass
class Stage:
    """A door with a canary for half of the customers, and a viewer's key."""

    client: TestClient
    worker: Worker
    relay: Relay
    key: str

    def predict(self, count: int) -> dict[str, int]:
        """Let both answer different customers, move what was recorded, and count the answers by version."""
        versions = [
            self.client.post("/predict", json={**CUSTOMER, "customerID": f"c-{number}"}).json()["model_version"]
            for number in range(count)
        ]
        self.relay.run_once()
        return {version: versions.count(version) for version in versions}

    def ask(self, **query: object) -> httpx2.Response:
        return self.client.get(PATH, params=query, headers={"X-API-Key": self.key})  # type: ignore[arg-type]


@pytest.fixture
def stage(client: TestClient, worker: Worker, other_bundle: Path) -> Iterator[Stage]:
    settings = worker.settings
    engine = open_migrated(settings.database_url)
    _, key = ApiKeyStore(engine).issue("test", role="viewer", created_by="test", days=None)
    canary_on_disk(settings, other_bundle, version=2, share=0.5)
    await_canary(worker, 0.5)
    yield Stage(client, worker, Relay(settings.spool_folder, PredictionStore(engine)), key)
    engine.dispose()


def test_the_report_compares_the_customers_of_both_and_tells_what_the_door_counted(stage: Stage) -> None:
    by_version = stage.predict(40)
    answer = stage.ask()

    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    found = report["comparison"]
    assert (report["version"], report["production_version"], report["share"], report["currency"]) == (2, 1, 0.5, "USD")
    assert found["canary_customers"] == found["canary_predictions"] == by_version["2"]
    assert found["production_customers"] == by_version["1"]
    assert found["profit"]["value"] == pytest.approx(found["profit"]["canary"] - found["profit"]["production"])
    (door,) = report["doors"]
    assert [each["version"] for each in door["versions"]] == ["2", "1"]
    assert all(each["predictions"] >= by_version[each["version"]] for each in door["versions"])
    assert all(each["mean_milliseconds"] > 0 for each in door["versions"])


def test_it_counts_from_when_the_share_was_set_or_from_a_moment_that_is_asked_for(stage: Stage) -> None:
    stage.predict(10)
    tags = {"canary_since": "2999-01-01T00:00:00.000Z"}
    listed = {
        "version": 2, "aliases": ["canary"], "stage": "canary", "status": "", "candidate": "", "contract": "",
        "digest": "", "run_id": "", "registered_at": "", "tags": tags, "training_rows": None, "evaluated_at": None,
        "evaluation_rows": None, "threshold": None, "metrics": {}, "cross_validated": {}, "money": {},
    }  # fmt: skip
    catalogue = {"name": "churn", "production": 1, "canary": 2, "shadow": None, "versions": [listed]}
    write_note(Catalogue.model_validate_json(json.dumps(catalogue)), stage.worker.settings.catalogue_file)

    assert stage.ask().status_code == 404
    assert stage.ask(since="2000-01-01T00:00:00Z").json()["comparison"]["canary_customers"] > 0


def test_without_a_canary_there_is_nothing_to_tell(stage: Stage) -> None:
    stage.worker.settings.canary_file.unlink()
    await_canary(stage.worker, 0.0)

    assert stage.ask().status_code == 404
    assert "churn canary set" in stage.ask().text
    assert stage.client.get(PATH).status_code == 401


def test_health_tells_of_the_canary_that_answers_and_of_one_that_can_not(stage: Stage) -> None:
    health = stage.client.get("/api/v1/health").json()
    assert health["canary"] == {"version": "2", "share": 0.5, "problem": ""}

    stage.worker.settings.canary_file.unlink()
    await_canary(stage.worker, 0.0)
    assert stage.client.get("/api/v1/health").json()["canary"] is None

    state = AttendantState(pid=1, at=9e9, canary=CanaryState(version=7, problem="its bundle rotted"))
    write_note(state, stage.worker.settings.attendant_file)
    health = stage.client.get("/api/v1/health").json()
    assert health["canary"] == {"version": "7", "share": 0.0, "problem": "its bundle rotted"}
    assert health["model"]["version"] == "1"
