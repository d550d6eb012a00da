"""What the doors record is what they scored: it replays, whatever was sent and in whichever format."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.scoring.loading import load_scorer
from churn.scoring.prediction import Prediction
from churn.scoring.replaying import replayed
from services.worker import Worker
from tests.services.api.tables import FORMATS, encoded, send

EXAMPLES = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Replays = Callable[[int], None]
JSON = {"content-type": "application/json"}
UNKNOWN = ("carrier pigeon", "né à l'étranger", "=cmd", '"', "408", "0x1")


@pytest.fixture
def new_records(shared_worker: Worker) -> Callable[[], list[Prediction]]:
    """Predictions that were recorded since this was last asked, or since the test began."""
    seen = 0

    def lines() -> list[bytes]:
        files = sorted(shared_worker.settings.spool_folder.glob("*.jsonl"))
        return [line for file in files for line in file.read_bytes().splitlines()]

    def read() -> list[Prediction]:
        nonlocal seen
        found = lines()[seen:]
        seen += len(found)
        return [Prediction.from_json(line) for line in found]

    read()
    return read


@pytest.fixture
def assert_replays(bundle_folder: Path, new_records: Callable[[], list[Prediction]]) -> Replays:
    """Hold that so many predictions were recorded since the last time, and that all of them replay."""
    scorer = load_scorer(bundle_folder, name="churn", version=1)

    def check(expected: int) -> None:
        records = new_records()
        assert len(records) == expected
        assert replayed(scorer, records) == []

    return check


def customers(contract: Contract) -> st.SearchStrategy[list[dict[str, Any]]]:
    """A few customers with every kind of value that a door takes, all of the same columns."""
    one = st.fixed_dictionaries({name: values_of(column) for name, column in contract.columns.items()})
    return st.lists(one, min_size=1, max_size=6)


def values_of(column: Column) -> st.SearchStrategy[Any]:
    values = _present(column)
    return values if column.required else st.none() | values


def _present(column: Column) -> st.SearchStrategy[Any]:
    low, high = column.minimum or 0, column.maximum or 1e6
    if column.type == "boolean":
        return st.booleans()
    if column.type == "integer":
        return st.integers(int(low), int(high))
    if column.type == "number":
        return st.floats(low, high) | st.sampled_from([0.1, 79.4, 1 / 3, 16_777_217.0 % high, 5e-324, 0.0, -0.0])
    return st.sampled_from([*column.categories, *(UNKNOWN if column.accept_unknown else ())])


def test_single_customers_replay(shared_client: TestClient, telco: Contract, assert_replays: Replays) -> None:
    @EXAMPLES
    @given(customers(telco))
    def check(sent: list[dict[str, Any]]) -> None:
        for one in sent:
            assert shared_client.post("/predict", json=one).status_code == 200
        assert_replays(len(sent))

    check()


@pytest.mark.parametrize("kind", FORMATS)
def test_batches_replay(shared_client: TestClient, telco: Contract, assert_replays: Replays, kind: Any) -> None:
    @EXAMPLES
    @given(customers(telco))
    def check(sent: list[dict[str, Any]]) -> None:
        answer = send(shared_client, encoded(kind, sent), kind)
        assert (answer.status_code, answer.json()["rejected"]) == (200, [])
        assert_replays(len(sent))

    check()


@pytest.mark.parametrize("form", ["dataframe_records", "dataframe_split", "inputs", "csv"])
def test_frames_of_mlflows_clients_replay(
    shared_client: TestClient, telco: Contract, assert_replays: Replays, form: str
) -> None:
    @EXAMPLES
    @given(customers(telco))
    def check(sent: list[dict[str, Any]]) -> None:
        body, kind = framed(sent, form)
        answer = shared_client.post("/invocations", content=body, headers={"content-type": kind})
        assert answer.status_code == 200
        assert_replays(len(sent))

    check()


def framed(sent: list[dict[str, Any]], form: str) -> tuple[bytes, str]:
    names = list(sent[0])
    bodies: dict[str, object] = {
        "dataframe_records": sent,
        "dataframe_split": {"columns": names, "data": [[one[name] for name in names] for one in sent]},
        "inputs": {name: [one[name] for one in sent] for name in names},
    }
    if form == "csv":
        return encoded("csv", sent), "text/csv"
    return json.dumps({form: bodies[form]}).encode(), "application/json"


def test_numbers_that_come_as_text_and_floats_of_tensors_replay(
    shared_client: TestClient, assert_replays: Replays
) -> None:
    text = (
        b"tenure,Contract,MonthlyCharges,TotalCharges\n 012 ,One year,7.94e1, \n1e1,Two year,20.049999999999997,1e3\n"
    )
    assert send(shared_client, text, "csv").json()["rejected"] == []
    tensors = [
        {"name": "tenure", "shape": [2], "datatype": "INT64", "data": [12, 40]},
        {"name": "Contract", "shape": [2], "datatype": "BYTES", "data": ["One year", "Two year"]},
        {"name": "MonthlyCharges", "shape": [2], "datatype": "FP32", "data": [float(np.float32(79.4)), 1 / 3]},
    ]
    answer = shared_client.post("/v2/models/churn/infer", content=json.dumps({"inputs": tensors}), headers=JSON)

    assert answer.status_code == 200
    assert_replays(4)
