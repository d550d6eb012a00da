from collections.abc import Callable

from starlette.testclient import TestClient

from churn.scoring.prediction import Prediction

CUSTOMER = {"tenure": 12, "Contract": "Month-to-month", "MonthlyCharges": 85.5}


def test_a_recorded_line_is_what_a_prediction_writes(client: TestClient, spooled: Callable[[], list[bytes]]) -> None:
    assert client.post("/predict?explain=false", json=CUSTOMER).json()["recorded"]

    (line,) = spooled()
    assert Prediction.from_json(line).to_json() == line
