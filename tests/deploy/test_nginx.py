import http.client
import json
import socket
import subprocess
import time
from typing import Any

import pytest

from tests.deploy.conftest import SLOW_SECONDS, EchoDoor
from tests.faults.front import FILES, Front, render

Doors = tuple[EchoDoor, EchoDoor]


def ask(
    front: Front, method: str, path: str, body: bytes | None = None, *, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any], dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        found = json.loads(content) if content else {}
        return answer.status, found, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def raw(front: Front, sent: bytes) -> tuple[int, dict[str, Any], str]:
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as connection:
        connection.sendall(sent)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, json.loads(answer.read()), answer.headers["content-type"]


def test_the_bare_file_is_the_template_with_the_doors_usual_addresses() -> None:
    written = (FILES / "conf.d" / "front.conf").read_text(encoding="utf-8")

    assert written == render("127.0.0.1:3000", "127.0.0.1:8000", "127.0.0.1:8080")


def test_nginx_finds_nothing_wrong(front: Front) -> None:
    tested = subprocess.run([*front.command(""), "-t"], capture_output=True, text=True, check=False)

    assert tested.returncode == 0
    assert "warn" not in tested.stderr


def test_the_first_door_is_preferred(front: Front, doors: Doors) -> None:
    served = {ask(front, "POST", "/predict", b"{}")[2]["x-served-by"] for _ in range(10)}

    assert served == {"bento"}
    assert doors[1].seen == []


@pytest.mark.parametrize(("method", "path"), [("POST", "/predict"), ("GET", "/docs"), ("POST", "/api/v1/outcomes")])
def test_a_door_that_is_closed_costs_nobody_an_answer(front: Front, doors: Doors, method: str, path: str) -> None:
    doors[0].close()

    began = time.monotonic()
    found = [ask(front, method, path, b"{}" if method == "POST" else None) for _ in range(10)]

    assert {(status, headers["x-served-by"]) for status, _, headers in found} == {(200, "fastapi")}
    assert time.monotonic() - began < 5


def test_a_door_that_comes_back_is_preferred_again(front: Front, doors: Doors) -> None:
    doors[0].close()
    for _ in range(5):
        ask(front, "GET", "/docs")
    doors[0].open()

    deadline = time.monotonic() + 8
    while ask(front, "GET", "/docs")[2]["x-served-by"] != "bento":
        assert time.monotonic() < deadline, "it was never asked again"
        time.sleep(0.2)


@pytest.mark.parametrize("mood", ["slow", "rude"])
def test_a_prediction_that_broke_off_is_sent_to_the_other_door_with_the_same_key(
    front: Front, doors: Doors, mood: str
) -> None:
    doors[0].mood = mood

    began = time.monotonic()
    status, _, headers = ask(front, "POST", "/api/v1/predict", b"{}")

    assert (status, headers["x-served-by"]) == (200, "fastapi")
    assert time.monotonic() - began < SLOW_SECONDS
    keys = {each["headers"]["idempotency-key"] for door in doors for each in door.seen}
    assert len(keys) == 1
    assert 8 <= len(keys.pop()) <= 64


def test_a_clients_own_key_is_kept(front: Front, doors: Doors) -> None:
    ask(front, "POST", "/predict", b"{}", headers={"idempotency-key": "order-00017"})

    assert doors[0].seen[0]["headers"]["idempotency-key"] == "order-00017"


def test_what_must_not_happen_twice_is_sent_once(front: Front, doors: Doors) -> None:
    doors[0].mood = "rude"

    status, problem, _ = ask(front, "POST", "/api/v1/retrain", b"{}")

    assert (status, problem["status"], problem["title"]) == (503, 503, "Service Unavailable")
    assert (len(doors[0].seen), len(doors[1].seen)) == (1, 0)


def test_a_door_that_fails_three_times_is_left_alone_for_a_while(front: Front, doors: Doors) -> None:
    doors[0].mood = "slow"
    for _ in range(3):
        ask(front, "POST", "/predict", b"{}")
    asked = len(doors[0].seen)

    assert ask(front, "POST", "/predict", b"{}")[2]["x-served-by"] == "fastapi"
    assert len(doors[0].seen) == asked


def test_the_last_door_is_asked_however_often_it_failed(front: Front, doors: Doors) -> None:
    doors[0].close()
    doors[1].mood = "rude"
    for _ in range(6):
        assert ask(front, "POST", "/predict", b"{}")[0] == 503
    doors[1].mood = "well"

    assert ask(front, "POST", "/predict", b"{}")[0] == 200


def test_what_one_door_has_no_room_for_goes_to_the_other_and_then_is_refused(
    front: Front, doors: Doors, many_sockets: list[socket.socket]
) -> None:
    doors[0].mood = doors[1].mood = "slow"
    for each in many_sockets[:128]:
        each.sendall(b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\n")
    time.sleep(0.5)

    began = time.monotonic()
    assert ask(front, "GET", "/docs")[0] == 503
    assert time.monotonic() - began < SLOW_SECONDS
    assert [len(door.seen) for door in doors] == [64, 64]


def test_without_any_door_the_refusal_is_a_problem(front: Front, doors: Doors) -> None:
    for door in doors:
        door.close()

    status, problem, headers = ask(front, "GET", "/docs", headers={"x-request-id": "mine-1"})

    assert (status, problem["status"], problem["request_id"]) == (503, 503, "mine-1")
    assert headers["content-type"] == "application/problem+json"
    assert (headers["retry-after"], headers["x-request-id"]) == ("2", "mine-1")


def test_the_address_of_the_client_is_ours_to_say(front: Front, doors: Doors) -> None:
    claimed = {"x-forwarded-for": "10.0.0.1", "x-real-ip": "10.0.0.2", "forwarded": "for=10.0.0.3"}
    ask(front, "POST", "/predict", b"{}", headers=claimed)

    headers = doors[0].seen[0]["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert not {"x-real-ip", "forwarded"} & set(headers)


def test_a_request_id_is_kept_if_it_can_be_one(front: Front, doors: Doors) -> None:
    assert ask(front, "GET", "/docs", headers={"x-request-id": "order:17"})[2]["x-request-id"] == "order:17"
    assert len(ask(front, "GET", "/docs", headers={"x-request-id": "no<script>"})[2]["x-request-id"]) == 32
    assert doors[0].seen[0]["headers"]["x-request-id"] == "order:17"


def test_headers_that_protect_are_there_once(front: Front) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)
    connection.request("GET", "/docs")
    found = [(name.lower(), value) for name, value in connection.getresponse().getheaders()]
    connection.close()

    assert [value for name, value in found if name == "x-content-type-options"] == ["nosniff"]
    assert [value for name, value in found if name == "x-frame-options"] == ["DENY"]
    assert ("server", "nginx") in found


@pytest.mark.parametrize(
    "path", ["/metrics", "//metrics", "/./metrics", "/%6detrics", "/docs/../metrics", "/metrics?x"]
)
def test_metrics_are_not_for_the_outside(front: Front, doors: Doors, path: str) -> None:
    status, problem, _ = ask(front, "GET", path)

    assert (status, problem["status"]) == (404, 404)
    assert doors[0].seen == []


@pytest.mark.parametrize(("path", "size", "status"), [
    ("/predict", (1 << 20) + 1, 413),
    ("/invocations", (1 << 20) + 1, 200),
    ("/v2/models/churn/infer", (1 << 20) + 1, 200),
    ("/invocations", (32 << 20) + 1, 413),
    ("/predict/batch", (3 << 30), 413),
])  # fmt: skip
def test_each_path_takes_bodies_of_its_own_size(front: Front, path: str, size: int, status: int) -> None:
    if status == 200:
        assert ask(front, "POST", path, b"x" * size)[0] == 200
        return
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    found, problem, _ = raw(front, head)

    assert (found, problem["status"]) == (413, 413)


def test_files_are_streamed_to_the_door(front: Front, doors: Doors) -> None:
    pieces = (b"x" * 65536 for _ in range(64))
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)
    connection.request("POST", "/predict/batch", pieces, {"transfer-encoding": "chunked"}, encode_chunked=True)
    assert connection.getresponse().read()
    connection.close()

    assert doors[0].seen[0]["bytes"] == 64 * 65536
    assert list(front.folder.glob("temporary-bodies/*")) == []


@pytest.mark.parametrize(("sent", "status"), [
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", 431),
    (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"\x16\x03\x01 not HTTP\r\n\r\n", 400),
    (b"GET /front/problem HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
    (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", 400),
    (b"TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
])  # fmt: skip
def test_what_is_no_request_is_refused_as_a_problem(front: Front, doors: Doors, sent: bytes, status: int) -> None:
    found, problem, media_type = raw(front, sent)

    assert (found, problem["status"], media_type) == (status, status, "application/problem+json")
    assert doors[0].seen == []


def test_the_log_names_request_and_door_and_no_customer(front: Front, doors: Doors) -> None:
    ask(front, "GET", "/api/v1/explain?customer_id=secret-7", headers={"x-request-id": "seen-1"})
    doors[0].mood = "rude"
    ask(front, "POST", "/api/v1/retrain?reason=secret-8", b'{"name": "secret-9"}')
    front.stop()

    first, second = front.lines
    assert (first["request_id"], first["path"], first["status"]) == ("seen-1", "/api/v1/explain", "200")
    assert first["doors"] == f"127.0.0.1:{doors[0].port}"
    assert (second["status"], second["door_statuses"]) == ("503", "502")
    assert "secret" not in front.log.read_text(encoding="utf-8")
    assert "secret" not in (front.folder / "errors.log").read_text(encoding="utf-8")


def test_one_client_holds_no_more_connections_than_its_share(
    front: Front, doors: Doors, many_sockets: list[socket.socket]
) -> None:
    for each in many_sockets:
        each.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
    time.sleep(0.5)

    assert ask(front, "GET", "/docs")[0] == 429
    assert doors[0].seen == []
