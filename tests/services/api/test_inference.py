import json
import math
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from churn.contract.contract import Contract
from churn.scoring.prediction import Prediction

PATH = "/v2/models/churn/infer"
TENURE = {"name": "tenure", "shape": [2], "datatype": "INT64", "data": [12, 40]}
CONTRACT = {"name": "Contract", "shape": [2, 1], "datatype": "BYTES", "data": [["Month-to-month"], ["Two year"]]}
CHARGES = {"name": "MonthlyCharges", "shape": [2], "datatype": "FP64", "data": [85.5, 20.05]}
REQUIRED = (TENURE, CONTRACT, CHARGES)


def infer(client: TestClient, *inputs: dict[str, Any], **more: Any) -> Any:
    body = json.dumps({"inputs": list(inputs), **more}).encode()
    return client.post(PATH, content=body, headers={"content-type": "application/json"})


def outputs(answer: Any) -> dict[str, list[Any]]:
    return {each["name"]: each["data"] for each in answer.json()["outputs"]}


def test_the_protocols_own_questions_are_answered(shared_client: TestClient) -> None:
    assert set(shared_client.get("/v2").json()) == {"name", "version", "extensions"}
    assert shared_client.get("/v2/health/live").json() == {"live": True}
    assert shared_client.get("/v2/health/ready").json() == {"ready": True}
    for path in ("/v2/models/churn/ready", "/v2/models/churn/versions/1/ready"):
        assert shared_client.get(path).json() == {"name": "churn", "ready": True}


def test_a_models_metadata_names_one_tensor_for_each_column(shared_client: TestClient, telco: Contract) -> None:
    found = shared_client.get("/v2/models/churn/versions/1").json()

    assert found == shared_client.get("/v2/models/churn").json()
    assert (found["name"], found["versions"]) == ("churn", ["1"])
    inputs = {each["name"]: each["datatype"] for each in found["inputs"]}
    assert list(inputs) == [*telco.columns, "customerID"]
    assert (inputs["tenure"], inputs["MonthlyCharges"], inputs["Contract"]) == ("INT64", "FP64", "BYTES")
    assert {each["name"] for each in found["outputs"]} == set(outputs(infer(shared_client, *REQUIRED)))


def test_rows_of_tensors_get_the_numbers_of_single_predictions(shared_client: TestClient) -> None:
    answer = infer(shared_client, *REQUIRED, id="mine-1")

    assert answer.status_code == 200
    found = answer.json()
    assert (found["id"], found["model_name"], found["model_version"]) == ("mine-1", "churn", "1")
    for row, customer in enumerate(
        [
            {"tenure": 12, "Contract": "Month-to-month", "MonthlyCharges": 85.5},
            {"tenure": 40, "Contract": "Two year", "MonthlyCharges": 20.05},
        ]
    ):
        single = shared_client.post("/predict", json=customer).json()
        for name in ("churn_prediction", "risk_level"):
            assert outputs(answer)[name][row] == single[name]
        assert outputs(answer)["churn_probability"][row] == single["churn_probability"]


def test_every_row_is_recorded_once_with_what_was_sent(client: TestClient, spooled: Callable[[], list[bytes]]) -> None:
    ids = {"name": "customerID", "shape": [2], "datatype": "BYTES", "data": ["A", "B"]}

    answer = infer(client, *REQUIRED, ids)

    records = [Prediction.from_json(line) for line in spooled()]
    assert [each.prediction_id for each in records] == outputs(answer)["prediction_id"]
    assert [each.customer_id for each in records] == ["A", "B"]
    assert (records[1].inputs["MonthlyCharges"], records[1].inputs["gender"]) == (20.05, None)
    single = client.post("/predict", json={"tenure": 12, "Contract": "Month-to-month", "MonthlyCharges": 85.5}).json()
    assert records[0].expected_profit == pytest.approx(single["expected_profit"], abs=0.01)
    assert records[0].priority_score == pytest.approx(single["priority_score"], abs=0.01)


def test_the_same_key_makes_the_same_ids(shared_client: TestClient) -> None:
    body = {"inputs": list(REQUIRED)}
    first, second = (
        outputs(shared_client.post(PATH, json=body, headers={"Idempotency-Key": "one-request"})) for _ in range(2)
    )

    assert first["prediction_id"] == second["prediction_id"]
    assert len(set(first["prediction_id"])) == 2


def test_only_the_outputs_that_are_asked_for_are_given(shared_client: TestClient) -> None:
    answer = infer(shared_client, *REQUIRED, outputs=[{"name": "risk_level"}])

    assert list(outputs(answer)) == ["risk_level"]


@pytest.mark.parametrize("nothing", ["NaN", "null"])
def test_nan_and_null_stand_for_no_value(shared_client: TestClient, nothing: str) -> None:
    total = json.dumps({"name": "TotalCharges", "shape": [2], "datatype": "FP64", "data": [0, 0]})
    inputs = ", ".join([*map(json.dumps, REQUIRED), total.replace("[0, 0]", f"[{nothing}, {nothing}]")])

    answer = shared_client.post(PATH, content=f'{{"inputs": [{inputs}]}}'.encode())

    assert outputs(answer)["churn_probability"] == outputs(infer(shared_client, *REQUIRED))["churn_probability"]


def test_an_empty_text_stands_for_no_value(shared_client: TestClient) -> None:
    gender = {"name": "gender", "shape": [2], "datatype": "BYTES", "data": ["", ""]}

    assert (
        outputs(infer(shared_client, *REQUIRED, gender))["churn_probability"]
        == outputs(infer(shared_client, *REQUIRED))["churn_probability"]
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({**TENURE, "data": [12, -3]}, "row 2: tenure: must be greater than or equal to 0"),
        ({**TENURE, "data": [12]}, "has 1 values, and its shape says 2"),
        ({**TENURE, "shape": [3]}, "differ in their number of rows"),
        ({**TENURE, "shape": [2, 2]}, r"\[rows\] or \[rows, 1\] is needed"),
        ({**TENURE, "shape": [-2]}, "differ in their number of rows"),
        ({**TENURE, "datatype": "BYTES", "data": ["1", "2"]}, "'tenure' takes INT64, not BYTES"),
        ({**TENURE, "datatype": "FLOAT"}, "the request does not hold: inputs"),
        ({**TENURE, "data": [12, "x"]}, "row 2: is no INT64 value"),
        ({**TENURE, "data": [12, None]}, "row 2: tenure"),
        ({**TENURE, "data": [12, 1.5]}, "row 2: tenure: a whole number is needed"),
        ({**TENURE, "data": [12, 10**400]}, "row 2: tenure: must be a finite number"),
        ({**TENURE, "data": [12, math.inf]}, "row 2: tenure: must be a finite number"),
        ({**TENURE, "name": "Tenure"}, "row 1: tenure: a value is required"),
        ({**CONTRACT, "data": ["Weekly", "One year"]}, "row 1: Contract: must be 'Month-to-month'"),
        ({**CONTRACT, "datatype": "FP32", "data": [1.5, 2]}, "'Contract' takes BYTES, not FP32"),
        ({**TENURE, "parameters": {"binary_data_size": 16}}, "does not fit the body"),
    ],
)
def test_a_request_with_one_bad_row_or_tensor_is_refused_as_a_whole(
    shared_client: TestClient, recorded: Callable[[], int], change: dict[str, Any], words: str
) -> None:
    kept = [each for each in REQUIRED if each["name"].lower() != change["name"].lower()]
    answer = infer(shared_client, change, *kept)

    assert answer.status_code == 400
    assert re.search(words, answer.json()["error"])
    assert answer.json()["detail"] == answer.json()["error"]
    assert recorded() == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"inputs": []}', b"{", b'{"inputs": [1]}', b"\xff", b"[" * 9999])
def test_a_body_that_is_no_request_is_refused(shared_client: TestClient, body: bytes) -> None:
    answer = shared_client.post(PATH, content=body)

    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


def test_an_input_that_is_there_twice_and_an_unknown_output_are_refused(shared_client: TestClient) -> None:
    assert "twice" in infer(shared_client, *REQUIRED, TENURE).json()["error"]
    assert "no output 'p'" in infer(shared_client, *REQUIRED, outputs=[{"name": "p"}]).json()["error"]


@pytest.mark.parametrize("path", ["/v2/models/other", "/v2/models/churn/versions/2", "/v2/models/other/ready"])
def test_only_the_live_model_and_version_are_there(shared_client: TestClient, path: str) -> None:
    answer = shared_client.get(path)

    assert (answer.status_code, "'churn', version 1" in answer.json()["error"]) == (404, True)


def test_another_version_is_not_asked_to_predict(shared_client: TestClient) -> None:
    assert shared_client.post("/v2/models/churn/versions/2/infer", json={"inputs": list(REQUIRED)}).status_code == 404
    assert shared_client.post("/v2/models/churn/versions/1/infer", json={"inputs": list(REQUIRED)}).status_code == 200


def test_without_a_model_nothing_is_ready(empty_client: TestClient) -> None:
    for path in ("/v2/health/ready", "/v2/models/churn/ready", "/v2/models/churn"):
        assert empty_client.get(path).status_code == 503
    assert empty_client.get("/v2/health/live").status_code == 200


def texts(*values: str) -> bytes:
    return b"".join(struct.pack("<I", len(value)) + value.encode() for value in values)


def binary(tensor: dict[str, Any], raw: bytes) -> dict[str, Any]:
    kept = {name: value for name, value in tensor.items() if name != "data"}
    return {**kept, "parameters": {"binary_data_size": len(raw)}}


def test_tensors_may_follow_the_json_as_bytes_both_ways(shared_client: TestClient) -> None:
    """As tritonclient sends them by default."""
    raws = (
        np.array([12, 40], np.int64).tobytes(),
        texts("Month-to-month", "Two year"),
        np.array([85.5, 20.05], np.float32).tobytes(),
    )
    tensors = (TENURE, {**CONTRACT, "shape": [2]}, {**CHARGES, "datatype": "FP32"})
    inputs = [binary(tensor, raw) for tensor, raw in zip(tensors, raws, strict=True)]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()

    answer = shared_client.post(
        PATH, content=head + b"".join(raws), headers={"Inference-Header-Content-Length": str(len(head))}
    )

    length = int(answer.headers["inference-header-content-length"])
    found = json.loads(answer.content[:length])["outputs"]
    size = found[0]["parameters"]["binary_data_size"]
    probabilities = np.frombuffer(answer.content[length : length + size])
    assert probabilities.tolist() == outputs(infer(shared_client, *REQUIRED))["churn_probability"]
    assert sum(each["parameters"]["binary_data_size"] for each in found) == len(answer.content) - length


@pytest.mark.parametrize(
    ("datatype", "raw", "size"),
    [("INT64", bytes(8), 9), ("INT64", bytes(15), 15), ("BYTES", b"\xff\xff\xff\xff", 4), ("BYTES", b"ab", 2)],
)
def test_bytes_that_are_not_what_they_say_are_refused(
    shared_client: TestClient, datatype: str, raw: bytes, size: int
) -> None:
    tensor = {"name": "tenure", "shape": [2], "datatype": datatype, "parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [tensor]}).encode()

    answer = shared_client.post(PATH, content=head + raw, headers={"Inference-Header-Content-Length": str(len(head))})

    assert answer.status_code == 400


@pytest.mark.parametrize("length", ["x", "99999999", "-1", "1" * 400])
def test_a_length_of_the_json_outside_the_body_is_refused(shared_client: TestClient, length: str) -> None:
    answer = shared_client.post(PATH, content=b"{}", headers={"Inference-Header-Content-Length": length})

    assert answer.status_code == 400
