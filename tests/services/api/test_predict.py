import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from churn.contract.contract import Contract
from churn.scoring.loading import load_scorer
from churn.scoring.prediction import Prediction
from services.api.recording import new_prediction_id
from tests.services.conftest import CUSTOMER

PROBLEM = {"type", "title", "status", "detail", "errors", "request_id"}


def test_the_contracts_example_is_answered_with_all_fields(client: TestClient, telco: Contract) -> None:
    answer = client.post("/predict", json=telco.example)

    assert answer.status_code == 200
    found = answer.json()
    assert set(found) == {
        "churn_probability", "churn_prediction", "risk_level", "threshold", "customer_id", "prediction_id",
        "model_version", "served_by", "recorded", "missing_columns", "timestamp", "segment", "expected_profit",
        "expected_loss", "currency", "priority_score", "recommendations", "actions", "top_risk_factors",
    }  # fmt: skip
    assert found["missing_columns"] == []
    assert found["recorded"] is True
    assert found["timestamp"].endswith("Z")
    assert (answer.headers["x-served-by"], answer.headers["x-model-version"]) == ("fastapi", "1")


def test_the_lean_answer_leaves_out_what_to_do_and_why(client: TestClient, telco: Contract) -> None:
    full, lean = (client.post(f"/predict{query}", json=telco.example).json() for query in ("", "?explain=false"))

    assert set(full) - set(lean) == {"recommendations", "actions", "top_risk_factors"}
    assert set(lean) <= set(full)
    same = set(lean) - {"customer_id", "prediction_id", "timestamp"}
    assert {name: lean[name] for name in same} == {name: full[name] for name in same}


AS_WRITTEN = {
    "gender": "Female", "SeniorCitizen": 0, "Partner": "Yes", "Dependents": "No", "tenure": 12, "PhoneService": "Yes",
    "InternetService": "Fiber optic", "Contract": "Month-to-month", "MonthlyCharges": 85.5, "TotalCharges": 1026.0,
}  # fmt: skip


@pytest.mark.parametrize("path", ["/predict", "/api/v1/predict"])
def test_the_request_of_the_documents_works_as_written(client: TestClient, path: str) -> None:
    answer = client.post(path, json=AS_WRITTEN)

    assert answer.status_code == 200
    found = answer.json()
    assert 0 < found["churn_probability"] < 1
    assert found["risk_level"] in {"LOW", "MEDIUM", "HIGH"}
    assert found["customer_id"].startswith("generated-")
    assert found["model_version"] == "1"
    assert 1 <= len(found["recommendations"]) <= 3
    assert all(isinstance(sentence, str) and sentence for sentence in found["recommendations"])
    assert [set(factor) for factor in found["top_risk_factors"]] == [{"feature", "impact", "value", "words"}] * 3
    assert {"MultipleLines", "OnlineSecurity", "PaymentMethod"} <= set(found["missing_columns"])


def test_money_and_priority_are_those_of_the_definitions(client: TestClient) -> None:
    found = client.post("/predict", json=AS_WRITTEN).json()

    worth = 85.5 * 12 * 0.6
    leaving = found["churn_probability"]
    assert found["currency"] == "USD"
    assert found["expected_loss"] == pytest.approx(leaving * worth, abs=0.0051)
    for action in found["actions"]:
        success = {"one-year-contract": 0.4, "support-and-security": 0.35, "price-check": 0.38}.get(
            action["offer"], 0.3
        )
        expected = leaving * success * (worth - action["cost"]) - (1 - leaving) * action["cost"] - 1
        assert action["expected_profit"] == pytest.approx(expected, abs=0.0051)
    assert 0 <= found["priority_score"] <= 100


def test_who_has_more_at_stake_is_called_first(client: TestClient) -> None:
    asked = [client.post("/predict", json={**CUSTOMER, "MonthlyCharges": paid}).json() for paid in (20, 50, 90)]

    ranked = sorted(asked, key=lambda found: found["expected_profit"])
    scores = [found["priority_score"] for found in ranked]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1]


def test_the_impact_of_a_factor_is_its_share_of_the_log_odds(client: TestClient) -> None:
    full, explained = (client.post(f"/predict{query}", json=AS_WRITTEN).json() for query in ("", "?explain=true"))

    contributions = explained["explanation"]["contributions"]
    for factor in full["top_risk_factors"]:
        assert factor["impact"] == contributions[factor["feature"]]
        assert factor["value"] == AS_WRITTEN.get(factor["feature"])
    assert full["top_risk_factors"] == explained["top_risk_factors"]


def test_the_answer_is_the_scorers_own_number(client: TestClient, bundle_folder: Path, telco: Contract) -> None:
    scorer = load_scorer(bundle_folder, name="churn", version=1)
    customer = scorer.form.read(json.dumps(telco.example).encode())

    found = client.post("/predict", json=telco.example).json()

    probability, decision = scorer.score_one(customer.row)
    assert found["churn_probability"] == probability
    assert (found["churn_prediction"], found["risk_level"]) == (decision.churn_prediction, decision.risk_level)


def test_absent_columns_are_named_and_scored(client: TestClient) -> None:
    found = client.post("/api/v1/predict", json=CUSTOMER).json()

    assert "gender" in found["missing_columns"]
    assert "tenure" not in found["missing_columns"]
    assert 0 <= found["churn_probability"] <= 1


def test_a_prediction_is_in_the_spool_before_it_is_answered(
    client: TestClient, spooled: Callable[[], list[bytes]]
) -> None:
    found = client.post("/predict", json={**CUSTOMER, "customerID": "A-1"}).json()

    (line,) = spooled()
    record = Prediction.from_json(line)
    assert (record.prediction_id, record.customer_id, record.door) == (found["prediction_id"], "A-1", "fastapi")
    assert record.inputs["tenure"] == 12
    assert record.inputs["gender"] is None
    assert record.inputs["TotalCharges"] is None
    assert record.probability == found["churn_probability"]
    for name in ("segment", "expected_loss", "expected_profit", "priority_score"):
        assert getattr(record, name) == found[name]


def test_a_clients_key_becomes_the_prediction_id(client: TestClient) -> None:
    found = client.post("/predict", json=CUSTOMER, headers={"Idempotency-Key": "order-4711"}).json()

    assert found["prediction_id"] == "order-4711"


@pytest.mark.parametrize("key", ["short", "x" * 65, "white space", "new\tline", ""])
def test_a_key_that_cannot_be_one_is_refused(client: TestClient, key: str) -> None:
    answer = client.post("/predict", json=CUSTOMER, headers={"Idempotency-Key": key})

    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]


def test_prediction_ids_are_uuids_that_sort_by_time() -> None:
    ids = [new_prediction_id() for _ in range(200)]

    assert len(set(ids)) == 200
    assert [each[:12] for each in ids] == sorted(each[:12] for each in ids)
    assert all(re.fullmatch(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", each) for each in ids)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"tenure": NaN}', 422),
        (b'{"tenure": 1e999, "Contract": "One year", "MonthlyCharges": 1}', 422),
        (b"[" * 5_000, 400),
        (b'{"a":' * 3_000, 400),
        (b"[]", 422),
        (b"null", 422),
        (b"3", 422),
        (b"{}", 422),
        (b'{"tenure": "12", "Contract": "One year", "MonthlyCharges": 1}', 422),
        (b'{"tenure": true, "Contract": "One year", "MonthlyCharges": 1}', 422),
        (b'{"tenure": 1.5, "Contract": "One year", "MonthlyCharges": 1}', 422),
        (b'{"tenure": -1, "Contract": "One year", "MonthlyCharges": 1}', 422),
        (b'{"tenure": 1, "Contract": "Weekly", "MonthlyCharges": 1}', 422),
        (b'{"tenure": 1, "Contract": "One year", "MonthlyCharges": Infinity}', 422),
        (b'{"tenure": 1, "Contract": "One year", "MonthlyCharges": 1, "Churn": "Yes"}', 422),
        (b'{"tenure": 1, "Contract": "One year", "MonthlyCharges": 1, "PaymentMethod": "a\\u0000b"}', 422),
        (b'{"tenure": 1, "Contract": "One year", "MonthlyCharges": 1, "PaymentMethod": "\\ud800"}', 400),
        (b'{"tenure": 1, "Contract": "One year", "MonthlyCharges": 1, "customerID": "' + b"x" * 300 + b'"}', 422),
        (b'{"tenure": 1, "Contract": "One year", "MonthlyCharges": 1, "customerID": ' + b"9" * 400 + b"}", 422),
        (b'{"tenure": 1, "Contract": "One year", "MonthlyCharges": 1, "customerID": ' + b"9" * 5000 + b"}", 400),
        (b"x" * 20_001, 413),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_bad_body_is_a_problem_and_never_a_failure(client: TestClient, body: bytes, status: int) -> None:
    answer = client.post("/predict", content=body, headers={"content-type": "application/json"})

    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == PROBLEM
    assert answer.status_code in {status, 422 if status == 400 else status}
    assert answer.json()["status"] == answer.status_code


def test_a_problem_names_fields_and_rules_and_never_values(client: TestClient) -> None:
    sent = {
        "tenure": "secret-1",
        "Contract": "secret-2",
        "MonthlyCharges": -77123,
        "gender": "secret-3",
        "PaymentMethod": 0.5,
    }

    answer = client.post("/predict", json=sent)

    assert {each["field"] for each in answer.json()["errors"]} == set(sent)
    assert "secret" not in answer.text
    assert "77123" not in answer.text
    assert "'Month-to-month', 'One year' or 'Two year'" in answer.text


def test_a_chunked_body_is_counted_as_it_comes(client: TestClient) -> None:
    pieces = (b"x" * 1000 for _ in range(30))

    answer = client.post("/predict", content=pieces, headers={"content-type": "application/json"})

    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {"content-encoding": "gzip"}])
def test_another_type_or_encoding_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/predict", content=b"{}", headers=headers)

    assert answer.status_code == 415


def test_a_wrong_method_and_an_unknown_path_are_problems(client: TestClient) -> None:
    assert client.get("/predict").status_code == 405
    assert client.get("/predict").headers["allow"] == "POST"
    assert client.get("/nowhere").status_code == 404
    assert set(client.get("/nowhere").json()) == PROBLEM


def test_without_a_model_a_prediction_is_refused_for_now(empty_client: TestClient) -> None:
    answer = empty_client.post("/predict", json=CUSTOMER)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "churn ring" in answer.json()["detail"]


def test_a_sane_request_id_is_echoed_and_another_replaced(client: TestClient) -> None:
    assert client.get("/livez", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert client.get("/livez", headers={"X-Request-ID": "a b"}).headers["x-request-id"] != "a b"
    assert client.get("/no", headers={"X-Request-ID": "abc-1"}).json()["request_id"] == "abc-1"
