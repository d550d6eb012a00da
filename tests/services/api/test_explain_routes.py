import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from churn.contract.contract import Contract
from churn.scoring.loading import load_scorer
from churn.stores.api_keys import ApiKeyStore
from churn.stores.database import open_migrated
from churn.stores.predictions import PredictionStore
from churn.stores.relay import Relay
from services.worker import Worker
from tests.bundles import as_format_1, small_bundle
from tests.services.conftest import CUSTOMER, await_version, promote_on_disk

PATH = "/api/v1/explain"


@dataclass
class Recorder:
    """A door whose predictions are moved into the store at once, and a viewer's key to it."""

    client: TestClient
    worker: Worker
    store: PredictionStore
    key: str

    def keep(self, customer: dict[str, object]) -> dict[str, Any]:
        """Predict for a customer, and move what was recorded into the store."""
        found: dict[str, Any] = self.client.post("/predict", json=customer).json()
        Relay(self.worker.settings.spool_folder, self.store).run_once()
        return found

    def ask(self, customer_id: str) -> httpx2.Response:
        """Ask, as a viewer, about a customer on record."""
        return self.client.get(PATH, params={"customer_id": customer_id}, headers={"X-API-Key": self.key})

    def serve(self, folder: Path) -> None:
        """Make a bundle version 2, and wait until it answers."""
        promote_on_disk(self.worker.settings, folder, version=2)
        await_version(self.worker, 2)


@pytest.fixture
def door(client: TestClient, worker: Worker) -> Iterator[Recorder]:
    engine = open_migrated(worker.settings.database_url)
    _, key = ApiKeyStore(engine).issue("test", role="viewer", created_by="test", days=None)
    yield Recorder(client, worker, PredictionStore(engine), key)
    engine.dispose()


def test_a_customer_that_is_sent_is_explained_to_the_last_digit(client: TestClient, telco: Contract) -> None:
    answer = client.post(PATH, json=telco.example)

    assert answer.status_code == 200
    found = answer.json()
    assert found["feature_names"] == list(telco.columns)
    assert found["unit"] == "log_odds"
    total = found["base_value"] + sum(found["shap_values"])
    assert found["log_odds"] == pytest.approx(total, abs=1e-9)
    leaving = found["churn_probability"]
    assert found["log_odds"] == pytest.approx(math.log(leaving / (1 - leaving)), abs=2e-4)
    assert dict(zip(found["feature_names"], found["feature_values"], strict=True)) == {
        name: bool(value) if telco.columns[name].type == "boolean" else value for name, value in telco.example.items()
    }
    assert answer.headers["x-model-version"] == found["model_version"] == "1"
    assert found["predicted"] is None
    assert found["customer_id"] is None


def test_the_waterfall_leads_from_the_base_to_the_log_odds_strongest_first(client: TestClient) -> None:
    found = client.post(PATH, json=CUSTOMER).json()

    steps = found["waterfall"]
    assert steps[0]["from"] == found["base_value"]
    assert steps[-1]["to"] == found["log_odds"]
    assert all(left["to"] == right["from"] for left, right in pairwise(steps))
    assert all(step["to"] - step["from"] == pytest.approx(step["contribution"], abs=2e-6) for step in steps)
    strengths = [abs(step["contribution"]) for step in steps]
    assert strengths == sorted(strengths, reverse=True)
    contributions = dict(zip(found["feature_names"], found["shap_values"], strict=True))
    assert {step["feature"]: step["contribution"] for step in steps} == contributions
    assert [step["feature"] for step in steps[:3]] == [factor["feature"] for factor in found["top_risk_factors"]]
    assert found["words"] == [factor["words"] for factor in found["top_risk_factors"]]
    assert "gender" in found["missing_columns"]


def test_it_is_the_explanation_that_a_prediction_gives(client: TestClient, bundle_folder: Path) -> None:
    scorer = load_scorer(bundle_folder, name="churn", version=1)
    row = scorer.form.read(json.dumps(CUSTOMER).encode()).row

    found = client.post(PATH, json=CUSTOMER).json()

    predicted = client.post("/predict?explain=true", json=CUSTOMER).json()
    assert found["shap_values"] == list(predicted["explanation"]["contributions"].values())
    assert found["base_value"] == scorer.explain_row(row).base_log_odds
    assert found["churn_probability"] == predicted["churn_probability"]


def test_asking_why_records_nothing(client: TestClient, spooled: Callable[[], list[bytes]]) -> None:
    client.post(PATH, json=CUSTOMER)

    assert spooled() == []


def test_a_customer_on_record_is_explained_by_the_live_version(door: Recorder, other_bundle: Path) -> None:
    door.keep({**CUSTOMER, "tenure": 70, "customerID": "A-1"})
    predicted = door.keep({**CUSTOMER, "SeniorCitizen": 1, "customerID": "A-1"})
    door.serve(other_bundle)

    answer = door.ask("A-1")

    assert answer.status_code == 200
    found = answer.json()
    assert found["customer_id"] == "A-1"
    assert found["model_version"] == "2"
    assert found["predicted"] == {
        "prediction_id": predicted["prediction_id"],
        "model_version": "1",
        "predicted_at": predicted["timestamp"],
        "churn_probability": predicted["churn_probability"],
    }
    sent = door.client.post(PATH, json={**CUSTOMER, "SeniorCitizen": 1}).json()
    for name in ("shap_values", "feature_values", "churn_probability", "waterfall", "missing_columns"):
        assert found[name] == sent[name]


def test_a_generated_id_finds_its_customer(door: Recorder) -> None:
    predicted = door.keep(CUSTOMER)

    assert door.ask(predicted["customer_id"]).json()["churn_probability"] == predicted["churn_probability"]


def test_a_customer_of_whom_nothing_is_known_is_not_found(door: Recorder) -> None:
    answer = door.ask("nobody")

    assert answer.status_code == 404
    assert "no prediction of this customer is on record" in answer.json()["detail"]


@pytest.mark.parametrize("customer_id", ["", "x" * 256, "a\x00b"])
def test_what_cannot_be_a_customers_id_is_refused(door: Recorder, customer_id: str) -> None:
    assert door.ask(customer_id).status_code == 422


def test_a_customer_on_record_is_shown_to_nobody_unknown(client: TestClient) -> None:
    assert client.get(PATH, params={"customer_id": "A-1"}).status_code == 401


def test_what_no_longer_fits_the_contract_is_named_and_its_value_is_not(
    door: Recorder, telco: Contract, tmp_path: Path
) -> None:
    door.keep({**CUSTOMER, "customerID": "A-1"})
    narrower = telco.columns["MonthlyCharges"].model_copy(update={"maximum": 80.0, "example": 70.0})
    columns = {name: column for name, column in telco.columns.items() if name != "gender"}
    changed = telco.model_copy(update={"columns": {**columns, "MonthlyCharges": narrower}})
    small_bundle(tmp_path / "changed", changed)
    door.serve(tmp_path / "changed")

    answer = door.ask("A-1")

    assert answer.status_code == 422
    assert "does not fit the contract of version 2: MonthlyCharges. Send the customer" in answer.json()["detail"]
    assert "85.5" not in answer.text


def test_a_version_without_explanations_says_so(door: Recorder, bundle_folder: Path, tmp_path: Path) -> None:
    old = Path(copytree(bundle_folder, tmp_path / "old"))
    as_format_1(old)
    door.serve(old)

    answer = door.client.post(PATH, json=CUSTOMER)

    assert answer.status_code == 503
    assert "version 2 of churn has no explanations: train and promote a new one" in answer.json()["detail"]


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"[]", 422), (b'{"tenure": 1}', 422), (b"\xff", 400)])
def test_a_bad_body_is_a_problem(client: TestClient, body: bytes, status: int) -> None:
    answer = client.post(PATH, content=body, headers={"content-type": "application/json"})

    assert answer.status_code in {status, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_answer_matches_its_documented_schema(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    found = client.post(PATH, json=CUSTOMER).json()

    schemas = document["components"]["schemas"]
    assert set(found) == set(schemas["ExplainAnswer"]["properties"])
    assert set(found["waterfall"][0]) == set(schemas["Step"]["properties"])
    assert set(document["paths"][PATH]) == {"get", "post"}
