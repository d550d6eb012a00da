import gzip
import http.client
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

import services.api.batch
from churn.contract.contract import Contract
from churn.scoring.prediction import Prediction
from services.api.app import create_app
from services.api.batch_scoring import new_prediction_ids
from services.api.formats.media import MEDIA, Format
from services.worker import Worker
from tests.services.api.tables import FORMATS, ROWS, encoded, rows_of, send

OWN = ("prediction_id",)
GOOD = [1, 3, 4]
PATHS = {"/predict/batch": "results", "/api/v1/batch_predict": "predictions"}


def without_ids(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in OWN} for row in rows]


@pytest.fixture
def expected(client: TestClient) -> list[dict[str, Any]]:
    return without_ids(rows_of(send(client, encoded("json"), "json"))[0])


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_in_gives_the_same_rows_in_every_format_out(
    client: TestClient, expected: list[dict[str, Any]], kind: Format, wanted: Format
) -> None:
    answer = send(client, encoded(kind), kind, wanted)

    found, set_aside = rows_of(answer)
    assert answer.headers["content-type"] == MEDIA[wanted]
    assert (answer.headers["x-served-by"], answer.headers["x-model-version"]) == ("fastapi", "1")
    assert without_ids(found) == expected
    assert [row["input_row"] for row in found] == GOOD
    assert [row["customerID"] for row in found] == ["A", 'C,"c"', "=D()"]
    assert set_aside == [2, 5]


@pytest.mark.parametrize(("path", "name"), PATHS.items())
def test_json_comes_with_the_totals_of_the_batch(client: TestClient, path: str, name: str) -> None:
    found = send(client, encoded("csv"), "csv", path=path).json()

    assert (found["total_customers"], found["recorded"], found["model_version"]) == (5, 3, "1")
    assert found["churn_risk_count"] == sum(row["churn_prediction"] for row in found[name])
    assert found["rejected"][0] == {"row": 2, "reasons": ["tenure: below the minimum 0"]}


def test_the_last_line_of_ndjson_is_the_summary(client: TestClient) -> None:
    lines = send(client, encoded("csv"), "csv", "ndjson").text.splitlines()

    assert orjson.loads(lines[1]) == {"row": 2, "rejected": True, "reasons": ["tenure: below the minimum 0"]}
    summary = orjson.loads(lines[-1])["summary"]
    assert (summary["total_customers"], summary["rejected"], summary["recorded"]) == (5, 2, 3)


def test_no_text_of_a_csv_is_a_formula(client: TestClient) -> None:
    ids = ["=1+1", "+1", "-1", "@x", " =1", "safe", 'q"uote', "com,ma", "é=ü"]
    rows = [{**ROWS[0], "customerID": each} for each in ids]

    found, _ = rows_of(send(client, encoded("json", rows), "json", "csv"))
    text = send(client, encoded("json", rows), "json", "csv").text

    assert "'=1+1" in text
    assert [row["customerID"] for row in found] == [each.strip() for each in ids]
    assert not any(line.split(",")[1].strip('"')[:1] in "=+-@" for line in text.splitlines()[1:])


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("said", ["type", "name", "nothing"])
def test_a_files_format_is_told_by_its_type_its_name_or_its_first_bytes(
    client: TestClient, expected: list[dict[str, Any]], kind: Format, said: str
) -> None:
    name = f"customers.{kind}" if said == "name" else "customers"
    media = MEDIA[kind] if said == "type" else "application/octet-stream"

    answer = client.post("/predict/batch", files={"file": (name, encoded(kind), media)})

    assert without_ids(rows_of(answer)[0]) == expected


def test_a_list_of_customers_may_have_a_name(client: TestClient, expected: list[dict[str, Any]]) -> None:
    answer = send(client, b'{"customers": %b}' % encoded("json"), "json")

    assert without_ids(rows_of(answer)[0]) == expected


numbers = st.integers(-2, 1300) | st.floats(-1, 1e5, allow_nan=False)
values = {
    "tenure": numbers | st.none() | st.text(max_size=2),
    "Contract": st.sampled_from(["One year", "Two year", "Weekly", "", None, 1]),
    "MonthlyCharges": numbers | st.booleans(),
    "TotalCharges": numbers | st.none() | st.just("12"),
    "SeniorCitizen": st.sampled_from([0, 1, True, False, "yes", 2, None, 0.0]),
    "PaymentMethod": st.sampled_from(["Barter", "Mailed check", " x ", "N/A", None, 5]),
    "customerID": st.sampled_from(["A", " B ", 7, None, "", True]),
    "strange": st.just(1),
}
customers = st.fixed_dictionaries(
    {name: values[name] for name in ("tenure", "Contract", "MonthlyCharges")},
    optional={name: each for name, each in values.items() if name not in ("tenure", "Contract", "MonthlyCharges")},
)


@given(sent=st.lists(customers, min_size=1, max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_record_of_a_batch_is_answered_as_it_would_be_alone(client: TestClient, sent: list[dict[str, Any]]) -> None:
    found, _ = rows_of(send(client, b"\n".join(map(orjson.dumps, sent)), "ndjson", "ndjson"))

    by_row = {row["input_row"]: row for row in found}
    for number, customer in enumerate(sent, start=1):
        alone = client.post("/predict?explain=false", json=customer)
        assert (alone.status_code == 200) is (number in by_row), alone.text
        if number in by_row:
            assert by_row[number]["churn_probability"] == pytest.approx(alone.json()["churn_probability"], abs=1e-6)
            for name in ("risk_level", "segment", "churn_prediction"):
                assert by_row[number][name] == alone.json()[name]


@pytest.mark.parametrize("wanted", FORMATS)
def test_every_scored_row_is_recorded_once_as_a_single_one_would_be(
    client: TestClient, spooled: Callable[[], list[bytes]], wanted: Format, telco: Contract
) -> None:
    found, _ = rows_of(send(client, encoded("csv"), "csv", wanted))
    client.post("/predict", json={name: value for name, value in ROWS[2].items() if value is not None})

    *batch, single = map(Prediction.from_json, spooled())
    assert [record.prediction_id for record in batch] == [row["prediction_id"] for row in found]
    assert [record.customer_id for record in batch] == [row["customerID"] for row in found]
    assert set(batch[1].inputs) == set(telco.columns)
    assert batch[1].inputs == single.inputs
    assert batch[1].probability == pytest.approx(single.probability, abs=1e-6)
    for name in ("model_name", "model_version", "role", "door", "threshold", "risk_level", "segment"):
        assert getattr(batch[1], name) == getattr(single, name)
    assert batch[1].expected_profit == pytest.approx(single.expected_profit, abs=0.02)
    assert orjson.loads(spooled()[0]).keys() == orjson.loads(spooled()[-1]).keys()


def test_a_table_sent_twice_with_a_key_has_the_same_ids(client: TestClient) -> None:
    one, two, other = (
        rows_of(send(client, encoded("csv"), "csv", **{"idempotency-key": key}))[0]
        for key in ("import-2026-11", "import-2026-11", "import-2026-12")
    )

    assert one == two
    assert {row["prediction_id"] for row in one}.isdisjoint(row["prediction_id"] for row in other)


def test_ids_made_at_once_are_those_of_version_7_and_differ() -> None:
    ids = new_prediction_ids(2_000)

    assert len(set(ids)) == 2_000
    assert {(len(each), each[12]) for each in ids} == {(32, "7")}
    assert {each[16] for each in ids} == set("89ab")
    assert abs(int(ids[0][:12], 16) / 1000 - time.time()) < 5


def test_a_customer_without_an_id_gets_one(client: TestClient) -> None:
    rows = [{name: value for name, value in ROWS[0].items() if name != "customerID"}, ROWS[0]]

    found, _ = rows_of(send(client, encoded("json", rows), "json"))

    assert [row["customerID"] for row in found] == [f"generated-{found[0]['prediction_id']}", "A"]


def test_json_is_bounded_and_streams_are_not(client: TestClient, worker: Worker) -> None:
    worker.settings = worker.settings.model_copy(update={"batch_rows": 3})

    refused = send(client, encoded("csv"), "csv")

    assert refused.status_code == 413
    assert "application/x-ndjson" in refused.json()["detail"]
    for wanted in ("ndjson", "csv", "parquet"):
        assert send(client, encoded("csv"), "csv", wanted).status_code == 200


@pytest.mark.parametrize("wanted", ["ndjson", "csv", "parquet"])
def test_reasons_come_in_every_format_and_are_bounded(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, wanted: Format
) -> None:
    path = "/predict/batch?explain=true"
    found, _ = rows_of(send(client, encoded("csv"), "csv", wanted, path=path))
    monkeypatch.setattr(services.api.batch, "MOST_EXPLAINED", 1)

    assert send(client, encoded("csv"), "csv", wanted, path=path).status_code == 413
    if wanted == "ndjson":
        assert found[0]["explanation"]["top_reasons"]
        assert found[0]["recommendations"]
    else:
        assert "which" in found[0]["reason_1"]
        assert found[0]["recommendation_1"]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("json", b"{"), ("json", b"[]"), ("json", b'{"a":1}'), ("json", b"[" * 100_000), ("json", b"\xff\xfe"),
        ("ndjson", b""), ("ndjson", b"\n\n"),
        ("csv", b""), ("csv", b"tenure,tenure\n1,2\n"), ("csv", b"a,b\n1,2\n"), ("csv", b"\x00\x01" * 100),
        ("csv", b"tenure,Contract,MonthlyCharges\n\xff\xff,One year,1\n"), ("csv", b"x," * 100_000 + b"y\n1\n"),
        ("csv", gzip.compress(encoded("csv"))), ("csv", encoded("parquet")),
        ("parquet", encoded("parquet")[:-9]), ("parquet", b"PAR1"), ("parquet", encoded("csv")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wanted", ["json", "parquet"])
def test_what_is_no_table_of_customers_is_refused_whole_or_streamed(
    client: TestClient, kind: str, content: bytes, wanted: Format
) -> None:
    answer = send(client, content, kind, wanted)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_a_parquet_file_that_unpacks_to_very_much_is_refused(client: TestClient) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"tenure": [1], "Contract": ["x" * (40 << 20)]}), sink, compression="zstd")

    answer = send(client, sink.getvalue(), "parquet")

    assert answer.status_code == 422
    assert "page" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/html"}, 415),
        ({"content-type": "text/csv", "content-encoding": "gzip"}, 415),
        ({"content-type": "text/csv", "accept": "image/png"}, 406),
        ({"content-type": "text/csv", "accept": "text/csv;q=0"}, 406),
        ({"content-type": "text/csv", "accept": "text/csv;q=high, */*;q=0.1"}, 200),
        ({"content-type": "text/csv", "idempotency-key": "no"}, 400),
        ({}, 200),
    ],
)
def test_other_types_and_encodings_are_refused(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.post("/predict/batch", content=encoded("csv"), headers=headers).status_code == status


@pytest.mark.parametrize("every", [1, 2, 3])
def test_bad_rows_among_good_ones_keep_their_numbers(client: TestClient, every: int) -> None:
    lines = [f"c{row},1,One year,{row}" if row % every else f"c{row},1" for row in range(1, 5_001)]
    sent = "\n".join(["customerID,tenure,Contract,MonthlyCharges", *lines]).encode()

    found, set_aside = rows_of(send(client, sent, "csv", "ndjson"))

    assert set_aside == [row for row in range(1, 5_001) if row % every == 0]
    assert all(row["customerID"] == f"c{row['input_row']}" for row in found)
    assert len(found) + len(set_aside) == 5_000


@pytest.fixture
def port(worker: Worker) -> Iterator[int]:
    """A real server, whose transfers can break."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(worker, owns_worker=False), port=0, log_level="critical", lifespan="off", ws="none")
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=lambda: anyio.run(server.serve, [listening]))
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("wanted", ["ndjson", "csv", "parquet"])
def test_an_answer_that_breaks_off_never_seems_whole(port: int, wanted: Format) -> None:
    good = "customerID,tenure,Contract,MonthlyCharges\n" + "A,1,One year,1\n" * 30_000
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(
        "POST", "/predict/batch", good.encode() + b"\xff\xff\n", {"content-type": "text/csv", "accept": MEDIA[wanted]}
    )
    answer = connection.getresponse()

    with pytest.raises(http.client.IncompleteRead) as broken:
        answer.read()

    connection.close()
    assert answer.status == 200
    assert b"summary" not in broken.value.partial
    if wanted == "ndjson":
        assert b"save the file as UTF-8" in broken.value.partial.splitlines()[-1]


def test_a_client_that_leaves_is_not_scored_for(port: int, spooled: Callable[[], list[bytes]]) -> None:
    sent = ("customerID,tenure,Contract,MonthlyCharges\n" + "A,1,One year,1\n" * 200_000).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/predict/batch", sent, {"content-type": "text/csv", "accept": MEDIA["ndjson"]})
    connection.getresponse().read(1_000)
    connection.close()
    time.sleep(1)

    recorded = len(spooled())
    time.sleep(0.5)
    assert len(spooled()) == recorded < 200_000
