import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import services.api.batch
from churn.contract.contract import Contract
from churn.scoring.loading import load_scorer
from services.worker import Worker
from tests.bundles import as_format_1, small_bundle, tenure_book
from tests.services.conftest import CUSTOMER, await_version, promote_on_disk

PATHS = ("/predict", "/api/v1/predict")
CSV = "customerID,tenure,Contract,MonthlyCharges\nA,2,Month-to-month,79.4\nB,70,Two year,20.05\n"


def send(client: TestClient, csv: str, query: str = "?explain=true") -> dict[str, object]:
    answer = client.post(f"/predict/batch{query}", files={"file": ("customers.csv", csv, "text/csv")})
    assert answer.status_code == 200
    found: dict[str, object] = answer.json()
    return found


@pytest.fixture
def served_old(worker: Worker, bundle_folder: Path, tmp_path: Path) -> Worker:
    """A door whose production was made before there were explanations."""
    old = Path(shutil.copytree(bundle_folder, tmp_path / "old"))
    as_format_1(old)
    promote_on_disk(worker.settings, old, version=2)
    await_version(worker, 2)
    return worker


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_explains_itself_when_asked(client: TestClient, telco: Contract, path: str) -> None:
    found = client.post(f"{path}?explain=true", json=telco.example).json()

    why, probability = found["explanation"], found["churn_probability"]
    total = why["base_log_odds"] + sum(why["contributions"].values())
    assert total == pytest.approx(math.log(probability / (1 - probability)), abs=2e-4)
    assert list(why["contributions"]) == list(telco.columns)
    assert 1 <= len(why["top_reasons"]) <= 3
    for reason in why["top_reasons"]:
        assert set(reason) == {"column", "value", "effect", "log_odds", "words"}
        assert reason["words"].endswith(f"which {reason['effect']} the risk")
        assert why["contributions"][reason["column"]] == reason["log_odds"]


def test_what_is_served_is_what_the_scorer_says_offline(
    client: TestClient, bundle_folder: Path, telco: Contract
) -> None:
    scorer = load_scorer(bundle_folder, name="churn", version=1)
    row = scorer.form.read(json.dumps(telco.example).encode()).row

    served = client.post("/predict?explain=true", json=telco.example).json()["explanation"]

    offline = scorer.explain_row(row)
    assert served["contributions"] == offline.contributions
    assert [reason["words"] for reason in served["top_reasons"]] == [one.words for one in offline.top_reasons]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", ["", "?explain=false"])
def test_nobody_is_told_what_they_did_not_ask(client: TestClient, path: str, query: str) -> None:
    found = client.post(path + query, json=CUSTOMER).json()

    assert "explanation" not in found
    assert "explanation_note" not in found


@pytest.mark.parametrize("path", [*PATHS, "/predict/batch"])
@pytest.mark.parametrize(
    "query",
    [
        "explain=maybe", "explain=", "explain", "explain=TRUE", "explain=1", "explain=true&explain=true",
        "explain=true&x=1", "x=1", "why=true", "&", "=", "%00", "explain=true" + "&" * 60,
        "explain=%74%72%75%65%00", "é",
    ],
)  # fmt: skip
def test_any_other_query_is_refused(
    client: TestClient, path: str, query: str, spooled: Callable[[], list[bytes]]
) -> None:
    sent = {"json": CUSTOMER} if path in PATHS else {"files": {"file": ("customers.csv", CSV, "text/csv")}}

    answer = client.post(f"{path}?{query}", **sent)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "the query may only be explain=true or explain=false, once"
    assert spooled() == []


@pytest.mark.usefixtures("served_old")
def test_an_old_version_answers_and_says_that_it_has_no_explanations(client: TestClient) -> None:
    found = client.post("/predict?explain=true", json=CUSTOMER).json()

    assert found["model_version"] == "2"
    assert found["explanation"] is None
    assert found["top_risk_factors"] == []
    assert found["recommendations"]
    assert client.post("/predict", json=CUSTOMER).json()["explanation_note"] == found["explanation_note"]
    assert "explanation_note" not in client.post("/predict?explain=false", json=CUSTOMER).json()
    assert found["priority_score"] == round(found["churn_probability"] * 100, 1)
    assert found["explanation_note"].startswith("version 2 of churn has no explanations: train and promote")
    assert 0 < found["churn_probability"] < 1


@pytest.mark.usefixtures("served_old")
def test_an_old_version_says_so_in_a_batch_too(client: TestClient) -> None:
    found = send(client, CSV)

    assert "no explanations" in str(found["explanation_note"])
    assert [row["explanation"] for row in found["results"]] == [None, None]


def test_a_batch_explains_as_single_answers_do(client: TestClient) -> None:
    found = send(client, CSV)

    single = client.post(
        "/predict?explain=true", json={"tenure": 2, "Contract": "Month-to-month", "MonthlyCharges": 79.4}
    ).json()
    (first, _) = found["results"]
    assert found["explanation_note"] is None
    assert list(first["explanation"]["contributions"].values()) == pytest.approx(
        list(single["explanation"]["contributions"].values()), abs=2e-5
    )
    assert [one["words"] for one in first["explanation"]["top_reasons"]] == [
        one["words"] for one in single["explanation"]["top_reasons"]
    ]
    assert "explanation" not in send(client, CSV, "")["results"][0]


def test_a_long_batch_is_not_explained(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.api.batch, "MOST_EXPLAINED", 1)

    answer = client.post("/predict/batch?explain=true", files={"file": ("customers.csv", CSV, "text/csv")})

    assert answer.status_code == 413
    assert "churn score --explain" in answer.json()["detail"]
    assert len(send(client, CSV, "")["results"]) == 2


def test_answers_tell_the_segment_and_the_expected_profit(
    client: TestClient, worker: Worker, telco: Contract, tmp_path: Path
) -> None:
    small_bundle(tmp_path / "segmented", telco, segments=tenure_book())
    promote_on_disk(worker.settings, tmp_path / "segmented", version=2)
    await_version(worker, 2)

    single = [client.post("/predict", json={**CUSTOMER, "tenure": tenure}).json() for tenure in (2, 70)]
    batch = send(client, CSV, "")["results"]

    assert [one["segment"] for one in single] == ["new customers", "old customers"]
    assert [one["segment"] for one in batch] == ["new customers", "old customers"]
    for one in [*single, *batch]:
        assert one["expected_profit"] == round(one["expected_profit"], 2)
    worth = 79.4 * 12 * 0.6
    leaving = batch[0]["churn_probability"]
    expected = leaving * (0.3 * (worth - 10) - 1) + (1 - leaving) * -11
    assert batch[0]["expected_profit"] == pytest.approx(expected, abs=0.006)


def test_the_document_tells_how_to_ask(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    for path in (*PATHS, "/predict/batch"):
        (asked,) = [one for one in paths[path]["post"]["parameters"] if one["in"] == "query"]
        assert (asked["name"], asked["schema"]["enum"]) == ("explain", ["true", "false"])
