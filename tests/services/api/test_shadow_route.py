"""GET /api/v1/shadow: a door, a store, and an attendant's work done by hand."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
import pytest
from starlette.testclient import TestClient

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.scoring.loading import load_scorer
from churn.stores.api_keys import ApiKeyStore
from churn.stores.database import open_migrated
from churn.stores.predictions import PredictionStore
from churn.stores.relay import Relay
from services.exchange import AttendantState, Pointer, ShadowState, write_note
from services.shadow import Shadow, ShadowedStore
from services.worker import Worker
from tests.services.conftest import await_version, promote_on_disk

PATH = "/api/v1/shadow"
BASES = ["production", "shadow", "mean of both", "each its own"]


@dataclass
class Stage:
    """A door with a shadow behind it, and a viewer's key."""

    client: TestClient
    worker: Worker
    relay: Relay
    telco: Contract
    key: str

    def predict(self, count: int) -> list[float]:
        """Let production answer different customers, move what was recorded, and return the probabilities."""
        sent = [{**self.telco.example, "customerID": f"c-{tenure}", "tenure": tenure} for tenure in range(count)]
        found = [self.client.post("/predict?explain=false", json=each).json()["churn_probability"] for each in sent]
        self.relay.run_once()
        return found

    def ask(self, **query: object) -> httpx2.Response:
        return self.client.get(PATH, params=query, headers={"X-API-Key": self.key})  # type: ignore[arg-type]


@pytest.fixture
def stage(client: TestClient, worker: Worker, telco: Contract, other_bundle: Path) -> Iterator[Stage]:
    settings = worker.settings
    engine = open_migrated(settings.database_url)
    _, key = ApiKeyStore(engine).issue("test", role="viewer", created_by="test", days=None)
    shutil.copytree(other_bundle, settings.bundle_folder / digest_of(other_bundle))
    write_note(Pointer(name=settings.model, version=2, digest=digest_of(other_bundle)), settings.shadow_file)
    store = ShadowedStore(PredictionStore(engine), Shadow(settings))
    yield Stage(client, worker, Relay(settings.spool_folder, store), telco, key)
    engine.dispose()


def test_the_report_compares_what_was_answered_with_what_the_shadow_s_bundle_says(
    stage: Stage, bundle_folder: Path, other_bundle: Path
) -> None:
    answered = np.array(stage.predict(40))
    answer = stage.ask()

    assert answer.status_code == 200
    report = answer.json()
    found = report["comparison"]
    assert (report["model"], report["version"], report["production_version"], report["currency"]) == (
        "churn", 2, 1, "USD",
    )  # fmt: skip
    shadow, production = (load_scorer(folder, name="churn", version=1) for folder in (other_bundle, bundle_folder))
    columns = {name: np.array([value] * 40) for name, value in stage.telco.example.items()}
    columns = {
        name: values.astype(object if stage.telco.columns[name].categories else np.float32)
        for name, values in columns.items()
    }
    columns["tenure"] = np.arange(40, dtype=np.float32)
    wanted = shadow.score_columns(columns)
    assert found["rows"] == found["customers"] == 40
    assert found["difference"]["value"] == pytest.approx(np.mean(wanted - answered), abs=1e-6)
    assert found["absolute_difference"]["value"] == pytest.approx(np.mean(np.abs(wanted - answered)), abs=1e-6)
    equal = (wanted >= shadow.threshold) == (answered >= production.threshold)
    assert found["agreement"]["value"] == pytest.approx(equal.mean())
    assert [each["taken_for_true"] for each in found["profit"]] == BASES
    earned = [each.expected_profit or 0 for each in production.standings.of_columns(columns, wanted)]
    assert found["profit"][1]["shadow"] == pytest.approx(
        np.mean(np.array(earned) * (wanted >= shadow.threshold)), abs=0.01
    )


def test_production_answers_as_if_there_were_no_shadow(stage: Stage, bundle_folder: Path) -> None:
    scorer = load_scorer(bundle_folder, name="churn", version=1)
    sent = [b'{"tenure": %d, "Contract": "One year", "MonthlyCharges": 20}' % tenure for tenure in range(5)]
    answers = [stage.client.post("/predict", content=each).json() for each in sent]

    assert [each["churn_probability"] for each in answers] == [
        scorer.score_row(scorer.form.read(each).row) for each in sent
    ]
    assert {each["model_version"] for each in answers} == {"1"}


def test_predictions_beside_another_production_are_told_and_left_out(stage: Stage, bundle_folder: Path) -> None:
    stage.predict(10)
    promote_on_disk(stage.worker.settings, bundle_folder, version=3)
    await_version(stage.worker, 3)
    stage.predict(4)
    report = stage.ask().json()

    assert (report["production_version"], report["with_other_versions"]) == (3, 10)
    assert report["comparison"]["rows"] == 4


def test_the_newest_are_compared_up_to_a_limit_and_from_a_moment_on(stage: Stage) -> None:
    stage.predict(12)

    assert stage.ask(limit=5).json()["comparison"]["rows"] == 5
    assert stage.ask(since="2999-01-01T00:00:00Z").status_code == 404
    assert stage.ask(version=2).json()["comparison"]["rows"] == 12


@pytest.mark.parametrize(
    ("query", "status"), [({"since": "2026-01-01"}, 422), ({"limit": 0}, 422), ({"version": 9}, 404)]
)
def test_what_can_not_be_answered_is_a_problem_that_says_what_to_do(
    stage: Stage, query: dict[str, object], status: int
) -> None:
    answer = stage.ask(**query)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"]


def test_without_a_shadow_the_answer_says_how_to_have_one(stage: Stage) -> None:
    stage.worker.settings.shadow_file.unlink()

    assert "churn shadow set" in stage.ask().json()["detail"]


def test_nobody_is_told_without_a_viewer_s_key(stage: Stage) -> None:
    assert stage.client.get(PATH).status_code == 401


def test_health_and_metrics_tell_of_the_shadow_and_are_well_without_it(stage: Stage) -> None:
    settings = stage.worker.settings
    assert stage.client.get("/api/v1/health").json()["shadow"] is None
    assert "\nchurn_shadow" not in stage.client.get("/metrics").text

    state = ShadowState(version=2, problem="it fell over", scored=80, agreed=60, unreadable=1, failed=4)
    now = stage.worker.started_at + 1
    note = AttendantState(pid=1, at=now, is_registry_up=True, shadow=state)
    write_note(note, settings.attendant_file)
    health = stage.client.get("/api/v1/health").json()
    metrics = stage.client.get("/metrics").text
    assert health["shadow"]["problem"] == "it fell over"
    assert health["status"] == "ok"
    assert 'churn_shadow_predictions_total{version="2"} 80.0' in metrics
    assert 'churn_shadow_failures_total{version="2"} 5.0' in metrics
    assert 'churn_shadow_agreement{version="2"} 0.75' in metrics
