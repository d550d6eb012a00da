import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from churn.client import Client
from churn.errors import ApiError, UnreachableError, UsageError
from tests.churn.client.scripted import (
    PREDICTION,
    Handler,
    Received,
    Reply,
    answers,
    breaks_off,
    hangs,
    in_turn,
    refuses,
    scripted,
)

CUSTOMER = {"tenure": 12}


def half(handler: Handler, received: Received) -> None:
    """Announce more than is sent."""
    del received
    handler.send(200, b"half", {"content-length": "100"})
    handler.close_connection = True


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_prediction_is_typed_and_what_is_new_is_kept() -> None:
    with scripted(answers()) as door, Client(door.url, api_key="hf_1") as client:
        found = client.predict(CUSTOMER, explain=False)

    (received,) = door.received
    assert (received.method, received.path) == ("POST", "/api/v1/predict?explain=false")
    assert json.loads(received.body) == CUSTOMER
    assert received.headers["x-api-key"] == "hf_1"
    assert len(received.key) == 32
    assert (found.churn_probability, found.risk_level, found.prediction_id) == (0.78, "HIGH", received.key)
    assert found.model_dump()["something_new"] == [1]


def test_a_refusal_tells_the_fields_the_status_and_the_request() -> None:
    problem = {
        "detail": "1 field can't be used: see errors", "request_id": "r-1",
        "errors": [{"field": "tenure", "message": "must be a number"}],
    }  # fmt: skip
    words = r"422 from /api/v1/predict: .*tenure: must be a number"
    with (
        scripted(answers(problem, status=422)) as door,
        Client(door.url) as client,
        pytest.raises(ApiError, match=words) as caught,
    ):
        client.predict(CUSTOMER)

    assert (caught.value.status, caught.value.request_id) == (422, "r-1")
    assert caught.value.problem == problem
    assert len(door.received) == 1


def test_the_preferred_door_answers_while_it_is_well() -> None:
    with scripted(answers()) as first, scripted(answers()) as second, Client([first.url, second.url]) as client:
        for _ in range(5):
            client.predict(CUSTOMER)

    assert (len(first.received), len(second.received)) == (5, 0)


def test_where_nobody_listens_the_other_door_answers(nobody: str) -> None:
    with scripted(answers()) as door, Client([nobody, door.url]) as client:
        began = time.monotonic()
        for _ in range(20):
            client.predict(CUSTOMER)

    assert len(door.received) == 20
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("reply", [breaks_off, refuses(503), refuses(502), hangs(1.0)])
def test_a_door_that_fails_is_asked_three_times_and_its_requests_go_elsewhere_with_the_same_key(
    reply: Reply,
) -> None:
    with (
        scripted(reply) as bad,
        scripted(answers()) as good,
        Client([bad.url, good.url], try_seconds=0.2) as client,
    ):
        ids = [client.predict(CUSTOMER).prediction_id for _ in range(10)]

    assert len(bad.received) == 3
    assert bad.keys == ids[:3]
    assert good.keys == ids


def test_a_door_that_comes_back_is_preferred_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("churn.client.doors.SHORTEST_PAUSE_SECONDS", 0.05)
    with scripted(refuses(503)) as first, scripted(answers()) as second, Client([first.url, second.url]) as client:
        for _ in range(4):
            client.predict(CUSTOMER)
        first.reply = answers()
        time.sleep(0.1)
        before = len(second.received)
        for _ in range(3):
            client.predict(CUSTOMER)

    assert len(second.received) == before


def test_one_door_that_stumbles_is_asked_again_with_the_same_key() -> None:
    with scripted(in_turn(breaks_off, refuses(503), answers())) as door, Client(door.url) as client:
        found = client.predict(CUSTOMER)

    assert door.keys == [found.prediction_id] * 3


def test_the_last_door_is_never_given_up(nobody: str) -> None:
    with scripted(in_turn(*[refuses(500)] * 5, answers())) as door, Client(door.url) as client:
        for _ in range(5):
            with pytest.raises(ApiError, match="500"):
                client.predict(CUSTOMER)
        client.predict(CUSTOMER)
    with Client([nobody], timeout_seconds=0.3) as client:
        for _ in range(4):
            with pytest.raises(UnreachableError, match="churn serve"):
                client.predict(CUSTOMER)


def test_what_may_not_be_sent_twice_is_not() -> None:
    wanted = pytest.raises(UnreachableError, match="POST /api/v1/token")
    with scripted(breaks_off) as door, Client(door.url) as client, wanted:
        client.sign_in("ada", "correct horse battery")

    assert len(door.received) == 1


def test_what_may_not_be_sent_twice_goes_to_the_next_door_if_it_was_not_sent_at_all(nobody: str) -> None:
    with scripted(answers({"access_token": "t"})) as door, Client([nobody, door.url]) as client:
        client.sign_in("ada", "correct horse battery")
        door.reply = answers({"status": "ok", "door": "bento"})
        assert client.health().status == "ok"

    assert door.received[-1].headers["authorization"] == "Bearer t"


def test_a_pause_that_a_door_asks_for_is_kept() -> None:
    with scripted(in_turn(refuses(429, retry_after="1"), answers())) as door, Client(door.url) as client:
        began = time.monotonic()
        client.predict(CUSTOMER)

    assert 1.0 <= time.monotonic() - began < 10
    assert len(set(door.keys)) == 1


def test_a_busy_door_is_not_evaded_at_the_other_one() -> None:
    with (
        scripted(refuses(429, retry_after="60")) as first,
        scripted(answers()) as second,
        Client([first.url, second.url]) as client,
        pytest.raises(ApiError, match="429"),
    ):
        client.predict(CUSTOMER)

    assert (len(first.received), len(second.received)) == (1, 0)


def test_the_whole_budget_is_kept_when_every_door_hangs() -> None:
    with (
        scripted(hangs(3)) as first,
        scripted(hangs(3)) as second,
        Client([first.url, second.url], timeout_seconds=0.5, try_seconds=0.2) as client,
    ):
        began = time.monotonic()
        with pytest.raises(UnreachableError, match="ReadTimeout"):
            client.predict(CUSTOMER)

    assert time.monotonic() - began < 2.5


def test_many_clients_at_once_don_t_drown_a_slow_door_in_repeats() -> None:
    with scripted(hangs(0.3)) as door, Client(door.url, timeout_seconds=1.0, try_seconds=0.05) as client:

        def ask() -> None:
            for _ in range(5):
                with contextlib.suppress(UnreachableError):
                    client.predict(CUSTOMER)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert 40 <= len(door.received) <= 40 + 20 + 4 + 1


def test_customers_are_answered_in_their_order_and_no_more_are_read_than_needed() -> None:
    taken = []

    def customers() -> object:
        for number in range(100):
            taken.append(number)
            yield {"tenure": number}

    def echo(handler: Handler, received: Received) -> None:
        tenure = json.loads(received.body)["tenure"]
        time.sleep(0.01 if tenure % 2 else 0)
        answers({**PREDICTION, "prediction_id": received.key, "customer_id": str(tenure)})(handler, received)

    with scripted(echo) as door, Client(door.url) as client:
        found = client.predict_many(customers())  # type: ignore[arg-type]
        assert [next(found).customer_id for _ in range(10)] == [str(number) for number in range(10)]
        found.close()  # type: ignore[attr-defined]

    assert len(taken) < 30
    assert len(set(door.keys)) == len(door.keys)


def test_a_file_is_scored_into_another_file(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("tenure\n12\n")
    with scripted(answers(b"row\n1\n")) as door, Client(door.url) as client:
        found = client.predict_file(tmp_path / "in.csv", out=tmp_path / "out.parquet")

    (received,) = door.received
    assert found.read_bytes() == b"row\n1\n"
    assert received.headers["accept"] == "application/vnd.apache.parquet"
    assert b'name="file"; filename="in.csv"' in received.body
    assert b"text/csv" in received.body


def test_a_file_whose_answer_breaks_off_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("tenure\n12\n")
    (tmp_path / "out.csv").write_text("as it was")
    with scripted(half) as door, Client(door.url) as client, pytest.raises(UnreachableError, match="batch_predict"):
        client.predict_file(tmp_path / "in.csv", out=tmp_path / "out.csv")

    assert (tmp_path / "out.csv").read_text() == "as it was"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


@pytest.mark.parametrize("reply", [half, breaks_off, refuses(503)])
def test_a_file_is_scored_anew_by_another_door_under_the_same_key(tmp_path: Path, reply: Reply) -> None:
    (tmp_path / "in.csv").write_text("tenure\n12\n")
    with scripted(reply) as first, scripted(answers(b"whole")) as second, Client([first.url, second.url]) as client:
        client.predict_file(tmp_path / "in.csv", out=tmp_path / "out.csv")

    assert (tmp_path / "out.csv").read_bytes() == b"whole"
    assert first.keys == second.keys
    assert first.received[0].body.partition(b"\r\n")[2] != b""


def test_a_file_of_a_type_that_no_door_knows_is_refused(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(UsageError, match=r"in\.xlsx"):
        client.predict_file(tmp_path / "in.xlsx", out=tmp_path / "out.csv")


def test_a_job_is_waited_for() -> None:
    states = [{"job_id": "j1", "status": status, "progress": share} for status, share in
              (("queued", 0), ("running", 0.5), ("done", 1))]  # fmt: skip
    seen = []
    with scripted(in_turn(*map(answers, states))) as door, Client(door.url) as client:
        job = client.retrain(trials=3)
        job.wait(tell=lambda state: seen.append(state.progress))

    assert (job.state.status, seen) == ("done", [0.5, 1.0])
    assert [each.path for each in door.received] == ["/api/v1/retrain", "/api/v1/jobs/j1", "/api/v1/jobs/j1"]
    assert door.received[0].key


def test_a_job_that_failed_says_why() -> None:
    failed = {"job_id": "j1", "status": "failed", "problem": "the table has no rows"}
    wanted = pytest.raises(ApiError, match="the table has no rows")
    with scripted(answers(failed)) as door, Client(door.url) as client, wanted:
        client.activate(3, "better")

    assert door.received[0].path == "/api/v1/models/3/activate?wait=30"


def test_a_job_that_takes_too_long_is_left_alone() -> None:
    wanted = pytest.raises(UnreachableError, match="job j1 is running")
    with scripted(answers({"job_id": "j1", "status": "running"})) as door, Client(door.url) as client, wanted:
        client.job("j1").wait(0.5)


def test_importing_the_client_brings_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys; from churn.client import Client; "
        "print(*{'numpy', 'onnxruntime', 'sqlalchemy', 'mlflow', 'fastapi', 'bentoml', 'pandas'} & set(sys.modules))"
    )
    heavy = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()

    assert heavy == []
