from collections.abc import Callable

import httpx2
import pytest
from starlette.testclient import TestClient

from churn.contract.contract import Contract
from churn.scoring.prediction import Prediction
from services.worker import Worker

HEADER = "customerID,tenure,Contract,MonthlyCharges,TotalCharges\n"


def send(client: TestClient, csv: str | bytes, *, field: str = "file") -> httpx2.Response:
    return client.post("/predict/batch", files={field: ("customers.csv", csv, "text/csv")})


def test_good_rows_are_scored_and_bad_rows_are_set_aside_with_reasons(client: TestClient) -> None:
    answer = send(
        client, HEADER + "A,12,One year,79.4, \nB,-3,One year,79.4,1\nC,1,Weekly,1,1\nD,2,Two year,20.05,40\n"
    )

    found = answer.json()
    assert answer.status_code == 200
    assert found["total_customers"] == 4
    assert [row["customerID"] for row in found["results"]] == ["A", "D"]
    assert [row["row"] for row in found["rejected"]] == [2, 3]
    assert found["rejected"][0]["reasons"] == ["tenure: below the minimum 0"]
    assert found["results"][0]["MonthlyCharges"] == 79.4
    assert found["results"][0]["tenure"] == 12
    assert found["results"][0]["TotalCharges"] is None
    assert found["churn_risk_count"] == sum(row["churn_prediction"] for row in found["results"])


def test_a_batch_gives_the_numbers_of_single_predictions(client: TestClient, telco: Contract) -> None:
    example = telco.example
    csv = ",".join(example) + "\n" + ",".join(str(value) for value in example.values()) + "\n"

    (row,) = send(client, csv).json()["results"]

    single = client.post("/predict", json=example).json()
    assert row["churn_probability"] == single["churn_probability"]
    assert row["risk_level"] == single["risk_level"]


def test_every_row_of_a_batch_is_recorded(client: TestClient, spooled: Callable[[], list[bytes]]) -> None:
    found = send(client, HEADER + "A,12,One year,79.4,3\nB,3,One year,79.4,1\n").json()

    records = [Prediction.from_json(line) for line in spooled()]
    assert [record.prediction_id for record in records] == [row["prediction_id"] for row in found["results"]]
    assert [record.customer_id for record in records] == ["A", "B"]
    assert records[0].inputs["MonthlyCharges"] == 79.4


@pytest.mark.parametrize(
    "csv",
    [
        b"", b"\n\n", HEADER.encode(), b"\x00\x01\x02\xff\xfe" * 100, b"tenure,tenure\n1,2\n",
        b"a,b\n1,2\n", HEADER.encode() + b"\xff\xff,1,One year,1,1\n", b'a,b\n"never closed\n',
        b"PK\x03\x04" + bytes(300),
    ],
    ids=["empty", "blank", "header only", "binary", "equal headers", "other columns", "not utf-8", "open quote", "zip"],
)  # fmt: skip
def test_a_file_that_is_no_table_of_customers_is_refused(client: TestClient, csv: bytes) -> None:
    answer = send(client, csv)

    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_another_delimiter_is_understood(client: TestClient) -> None:
    found = send(client, (HEADER + "A,12,One year,79.4,3\n").replace(",", ";")).json()

    assert found["total_customers"] == 1


def test_a_form_without_the_file_is_refused(client: TestClient) -> None:
    assert send(client, HEADER, field="other").status_code == 422
    assert client.post("/predict/batch", data={"file": "text"}, files={"x": b""}).status_code in {400, 422}


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x"]
)
def test_a_malformed_form_is_refused(client: TestClient, kind: str) -> None:
    answer = client.post("/predict/batch", content=b"--y\r\nnonsense", headers={"content-type": kind})

    assert answer.status_code in {400, 422}


def test_another_content_type_is_refused(client: TestClient) -> None:
    assert client.post("/predict/batch", content=b"a,b", headers={"content-type": "text/html"}).status_code == 415


def test_more_rows_than_allowed_are_refused(client: TestClient, worker: Worker) -> None:
    worker.settings = worker.settings.model_copy(update={"batch_rows": 3})

    answer = send(client, HEADER + "A,12,One year,79.4,3\n" * 4)

    assert answer.status_code == 413
    assert "3 rows" in answer.json()["detail"]
