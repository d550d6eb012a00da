import io
import json
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import uvicorn
from starlette.testclient import TestClient

from churn.contract.contract import Contract
from churn.scoring.prediction import Prediction
from services.api.app import create_app
from services.worker import Worker
from tests.bundles import random_columns

CUSTOMER = {"tenure": 12, "Contract": "Month-to-month", "MonthlyCharges": 85.5}


@pytest.fixture(scope="module")
def mlflow_client(telco: Contract, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """What `mlflow models serve` runs, around the registered form of the same bundle."""
    import shutil

    import mlflow

    from churn.stores import pyfunc_model
    from pipelines.logged_model import signature_of

    root = tmp_path_factory.mktemp("pyfunc")
    shutil.copytree(bundle_folder, root / "bundle")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlflow's opinion of type hints
        mlflow.pyfunc.save_model(
            str(root / "model"),
            python_model=pyfunc_model.__file__,
            artifacts={"bundle": str(root / "bundle")},
            signature=signature_of(telco),
            pip_requirements=[],
        )
        from mlflow.pyfunc.scoring_server import init

        with TestClient(init(mlflow.pyfunc.load_model(str(root / "model")))) as client:
            yield client


def frame_of(contract: Contract, rows: int) -> pd.DataFrame:
    return pd.DataFrame(random_columns(contract, rows, seed=5)).replace({"": None}).astype(object)


def payloads(frame: pd.DataFrame) -> dict[str, tuple[bytes, str]]:
    plain = frame.where(frame.notna(), None)
    records = plain.to_dict(orient="records")
    split = {"columns": list(plain.columns), "data": plain.to_numpy().tolist(), "index": list(range(len(plain)))}
    bodies = {
        "dataframe_split": split,
        "dataframe_records": records,
        "instances": records,
        "inputs": plain.to_dict(orient="list"),
    }
    made = {form: (json.dumps({form: body}).encode(), "application/json") for form, body in bodies.items()}
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False)
    return {**made, "csv": (buffer.getvalue().encode(), "text/csv")}


def ask(client: Any, body: bytes, kind: str) -> Any:
    return client.post("/invocations", content=body, headers={"content-type": kind})


@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "instances", "inputs", "csv"])
@pytest.mark.filterwarnings("ignore")
def test_each_form_is_answered_as_mlflows_own_server_answers_it(
    shared_client: TestClient, mlflow_client: Any, telco: Contract, form: str
) -> None:
    frame = frame_of(telco, 40)
    frame["customerID"], frame["Churn"] = [f"C{row}" for row in range(40)], "Yes"
    if form in ("instances", "inputs"):  # mlflow refuses missing numbers in these two
        frame = frame.dropna()
    body, kind = payloads(frame)[form]

    ours, theirs = ask(shared_client, body, kind), ask(mlflow_client, body, kind)

    assert (ours.status_code, theirs.status_code) == (200, 200), (ours.text[:300], theirs.text[:300])
    found, expected = ours.json()["predictions"], theirs.json()["predictions"]
    assert [list(row) for row in found] == [list(row) for row in expected]
    assert [row["churn_prediction"] for row in found] == [row["churn_prediction"] for row in expected]
    np.testing.assert_allclose(*([row["churn_probability"] for row in each] for each in (found, expected)), atol=1e-7)


@pytest.mark.filterwarnings("ignore")
def test_absent_columns_and_numbers_as_text_are_taken_as_mlflow_takes_them(
    shared_client: TestClient, mlflow_client: Any
) -> None:
    rows = [{**CUSTOMER, "MonthlyCharges": "85.5", "SeniorCitizen": 1}]
    body = json.dumps({"dataframe_records": rows, "params": {}}).encode()

    ours, theirs = (ask(each, body, "application/json").json() for each in (shared_client, mlflow_client))

    assert ours == theirs


def test_every_row_is_recorded_with_the_frames_customer_ids(
    client: TestClient, spooled: Callable[[], list[bytes]]
) -> None:
    rows = [{**CUSTOMER, "customerID": "A", "Churn": "Yes"}, {**CUSTOMER, "customerID": "B", "tenure": 1.0}]

    assert client.post("/invocations", json={"dataframe_records": rows}).status_code == 200

    records = [Prediction.from_json(line) for line in spooled()]
    assert [each.customer_id for each in records] == ["A", "B"]
    assert records[1].inputs["tenure"] == 1


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ([], "exactly one of dataframe_split"),
        ({}, "exactly one of"),
        ({"inputs": [CUSTOMER], "instances": [CUSTOMER]}, "exactly one of"),
        ({"dataframe_records": []}, "holds no rows"),
        ({"dataframe_records": [1]}, "a list of records"),
        ({"dataframe_split": {"data": [[1]]}}, "dataframe_split needs"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}, "columns differ"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "one value per column"),
        ({"inputs": {"tenure": [1, 2], "Contract": ["x"]}}, "columns of one length"),
        ({"instances": [{**CUSTOMER, "tenure": -1}]}, "row 1: tenure: must be greater"),
        ({"instances": [CUSTOMER, {**CUSTOMER, "tenure": "many"}]}, "row 2: tenure: must be a number"),
        ({"instances": [{**CUSTOMER, "tenure": [1]}]}, "row 1: tenure"),
        ({"instances": [{**CUSTOMER, "PaymentMethod": {"a": 1}}]}, "row 1: PaymentMethod"),
        ({"instances": [{"tenure": 1}]}, "row 1: Contract: a value is required"),
    ],
)
def test_a_frame_that_can_not_be_scored_is_refused_in_mlflows_words(
    shared_client: TestClient, recorded: Callable[[], int], sent: Any, words: str
) -> None:
    answer = shared_client.post("/invocations", json=sent)

    assert answer.status_code == 400
    assert (answer.json()["error_code"], words in answer.json()["message"]) == ("BAD_REQUEST", True), answer.text
    assert recorded() == 0


@pytest.mark.parametrize(
    "csv", [b"", b"tenure\n", b"a,a\n1,2\n", b"tenure,Contract\n\xff,2\n", b'tenure,Contract\n"1,2']
)
def test_a_csv_that_is_no_table_is_refused(shared_client: TestClient, csv: bytes) -> None:
    assert ask(shared_client, csv, "text/csv").status_code == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/json; charset=latin-1", "application/vnd.apache.parquet"])
def test_another_type_of_body_is_refused(shared_client: TestClient, kind: str) -> None:
    assert ask(shared_client, b"{}", kind).status_code == 415


def test_without_a_model_the_server_is_not_well(empty_client: TestClient) -> None:
    assert empty_client.get("/ping").status_code == 503


def test_mlflows_clients_find_the_server_well(shared_client: TestClient) -> None:
    import mlflow

    assert (shared_client.get("/ping").status_code, shared_client.get("/ping").text) == (200, "\n")
    assert shared_client.get("/version").text == mlflow.__version__


@pytest.fixture
def port(worker: Worker) -> Iterator[int]:
    """A real address for clients that know no other."""
    server = uvicorn.Server(uvicorn.Config(create_app(worker, owns_worker=False), log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def test_mlflows_own_client_works_unchanged(client: TestClient, port: int) -> None:
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    theirs = ScoringServerClient("127.0.0.1", port)
    theirs.wait_server_ready(timeout=10)

    frame = theirs.invoke(pd.DataFrame([CUSTOMER, {**CUSTOMER, "tenure": 40}])).get_predictions()

    assert list(frame.columns) == ["churn_probability", "churn_prediction"]
    single = client.post("/predict", json=CUSTOMER).json()
    assert frame["churn_probability"][0] == pytest.approx(single["churn_probability"], abs=1e-7)
    with pytest.raises(Exception, match="row 1: tenure: must be greater"):
        theirs.invoke(pd.DataFrame([{**CUSTOMER, "tenure": -1}]))
