import logging

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from services.api.front import Front


async def _fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ValueError("a customer's value: 4711")


def test_the_unexpected_is_a_problem_without_what_it_said(caplog: pytest.LogCaptureFixture) -> None:
    front = Front(_fails, "fastapi", rules={}, shortcuts={}, admit=lambda *_: None, body_limits={"one": 100})

    with caplog.at_level(logging.INFO):
        answer = TestClient(front).get("/fails")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "4711" not in answer.text + caplog.text
    assert "ValueError" in str([vars(record) for record in caplog.records])


@pytest.fixture(autouse=True)
def _logs_propagate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("services"), "propagate", True)
