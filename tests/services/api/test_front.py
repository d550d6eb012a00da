import asyncio
import logging
from collections.abc import Sequence

import orjson
import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api import body
from services.api.access import Rule
from services.api.body import BodyLimit
from services.api.front import Front
from services.load import Load


async def _fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ValueError("a customer's value: 4711")


def test_the_unexpected_is_a_problem_without_what_it_said(caplog: pytest.LogCaptureFixture) -> None:
    front = Front(_fails, "fastapi", rules={}, shortcuts={}, admit=lambda *_: None, body_limits={"one": BodyLimit(100)})

    with caplog.at_level(logging.INFO):
        answer = TestClient(front).get("/fails")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "4711" not in answer.text + caplog.text
    assert "ValueError" in str([vars(record) for record in caplog.records])


RULES = {("POST", "/predict"): Rule("POST", "/predict", "predict"), ("GET", "/livez"): Rule("GET", "/livez", "open")}


def front_before(app: ASGIApp, *, seconds: float = 10.0) -> Front:
    limits: dict[body.Body, BodyLimit] = {"one": BodyLimit(100, seconds)}
    return Front(app, "fastapi", rules=RULES, shortcuts={}, admit=lambda *_: None, body_limits=limits)


class Answered:
    """What one request was answered."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        self.body += message.get("body", b"")


async def ask(front: Front, method: str, path: str, parts: Sequence[tuple[float, bytes]] = ((0, b""),)) -> Answered:
    """Send a body whose parts come after so many seconds each; after them nothing comes, nor does the client leave."""
    coming = iter(parts)
    number = 0

    async def receive() -> Message:
        nonlocal number
        part = next(coming, None)
        if part is None:
            await asyncio.Event().wait()
            raise AssertionError
        await asyncio.sleep(part[0])
        number += 1
        return {"type": "http.request", "body": part[1], "more_body": number < len(parts)}

    answered = Answered()
    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b""}
    await front(scope, receive, answered.send)
    return answered


async def _reads_and_answers(_scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"read"})


async def _waits_for_the_client_to_leave(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    try:
        await asyncio.wait_for(receive(), 0.4)
    except TimeoutError:
        await _reads_nothing_and_answers(send)


async def _reads_nothing_and_answers(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"still here"})


@pytest.fixture
def quick_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "SWEEP_SECONDS", 0.02)


@pytest.mark.usefixtures("quick_sweeps")
def test_a_body_that_drips_is_refused_and_the_connection_closed() -> None:
    front = front_before(_reads_and_answers, seconds=0.1)

    answered = asyncio.run(ask(front, "POST", "/predict", [(0.03, b"x")] * 50))

    assert answered.status == 408
    assert answered.headers[b"connection"] == b"close"
    assert orjson.loads(answered.body)["detail"] == "the body did not arrive within 0.1 seconds"


@pytest.mark.usefixtures("quick_sweeps")
def test_a_slow_body_within_its_time_is_read() -> None:
    front = front_before(_reads_and_answers, seconds=5.0)

    assert asyncio.run(ask(front, "POST", "/predict", [(0.05, b"x")] * 4)).body == b"read"


@pytest.mark.usefixtures("quick_sweeps")
def test_an_endpoint_may_wait_for_the_client_to_leave_longer_than_for_its_body() -> None:
    front = front_before(_waits_for_the_client_to_leave, seconds=0.1)

    assert asyncio.run(ask(front, "POST", "/predict")).body == b"still here"


@pytest.mark.usefixtures("quick_sweeps")
def test_a_cancelled_request_stays_cancelled() -> None:
    async def cancel() -> None:
        asking = asyncio.create_task(ask(front_before(_reads_and_answers), "POST", "/predict", [(5, b"x")]))
        await asyncio.sleep(0.05)
        asking.cancel()
        await asking

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())


def test_one_request_too_many_is_turned_away_at_once_and_probes_are_not() -> None:
    async def crowd() -> tuple[list[int], Answered, Answered, Answered]:
        front = front_before(_reads_and_answers)
        front.load = Load(3)
        inside = [asyncio.create_task(ask(front, "POST", "/predict", [(0.1, b"x")])) for _ in range(3)]
        await asyncio.sleep(0)
        turned_away, probe = await ask(front, "POST", "/predict"), await ask(front, "GET", "/livez")
        statuses = [(await each).status for each in inside]
        return statuses, turned_away, probe, await ask(front, "POST", "/predict")

    statuses, turned_away, probe, after = asyncio.run(crowd())

    assert statuses == [200, 200, 200]
    assert (turned_away.status, turned_away.headers[b"retry-after"]) == (503, b"1")
    assert b"x-request-id" in turned_away.headers
    assert probe.status == 200
    assert after.status == 200


@pytest.fixture(autouse=True)
def _logs_propagate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("services"), "propagate", True)
