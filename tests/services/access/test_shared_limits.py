"""Limits over several doors, with a real Redis that is killed, hung and started again."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from services.access import shared_window
from services.access.shared_window import REST_SECONDS
from tests.redis_server import RedisServer, redis_server
from tests.services.people import access_settings, desk_of, guarded

__all__ = ["redis_server"]

LIMIT = 20


@pytest.fixture
def ahead() -> list[float]:
    """Seconds that the doors' clocks are ahead."""
    return [0.0]


@pytest.fixture
def doors(redis_server: RedisServer, tmp_path: Path, ahead: list[float]) -> Iterator[list[TestClient]]:
    """Two doors of one installation, each with its own process' memory."""
    settings = access_settings(tmp_path, redis_url=redis_server.url, predict_per_minute=LIMIT)
    with ExitStack() as stack:
        desks = [desk_of(settings) for _ in range(2)]
        for desk in desks:
            desk.limits._shared._clock = lambda: time.monotonic() + ahead[0]  # type: ignore[union-attr]
        yield [stack.enter_context(TestClient(guarded(desk))) for desk in desks]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with other tests answers late."""
    monkeypatch.setattr(shared_window, "TIMEOUT_SECONDS", 1.0)


def let_through(door: TestClient, times: int) -> int:
    statuses = [door.post("/predict").status_code for _ in range(times)]
    assert set(statuses) <= {200, 429}
    return statuses.count(200)


def test_two_doors_share_one_limit(doors: list[TestClient]) -> None:
    assert let_through(doors[0], 15) + let_through(doors[1], 15) == LIMIT
    refused = doors[0].post("/predict")

    assert refused.status_code == 429
    assert refused.json()["status"] == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 64
    assert refused.headers["ratelimit-limit"] == str(LIMIT)
    assert refused.headers["ratelimit-remaining"] == "0"


def test_what_redis_refuses_is_not_held_against_a_client_here(doors: list[TestClient]) -> None:
    let_through(doors[0], LIMIT)
    let_through(doors[1], 3 * LIMIT)

    app = doors[1].app
    window = app._admit.__self__._desk.limits._window  # type: ignore[attr-defined]
    assert next(iter(window._counts.values())).total == 0


def test_without_redis_each_door_limits_by_itself_and_with_it_again_they_share(
    doors: list[TestClient], redis_server: RedisServer, ahead: list[float]
) -> None:
    assert let_through(doors[0], 15) == 15

    redis_server.kill()
    assert let_through(doors[0], 60) == LIMIT - 15
    assert let_through(doors[1], 60) == LIMIT

    redis_server.start()
    ahead[0] = REST_SECONDS + 1
    assert let_through(doors[0], 60) == 0
    assert let_through(doors[1], 60) == 0


def test_a_redis_that_hangs_delays_one_request_and_no_more(
    doors: list[TestClient], redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_through(doors[0], 1)
    monkeypatch.setattr(shared_window, "TIMEOUT_SECONDS", 0.05)
    redis_server.hang()
    try:
        began = time.monotonic()
        assert let_through(doors[0], 60) == LIMIT - 1
        assert time.monotonic() - began < 3
    finally:
        redis_server.go_on()


def test_redis_is_asked_again_after_its_rest(
    doors: list[TestClient], redis_server: RedisServer, ahead: list[float]
) -> None:
    redis_server.kill()
    assert let_through(doors[0], 1) == 1
    redis_server.start()
    assert let_through(doors[0], 4) == 4

    ahead[0] = REST_SECONDS + 1
    assert let_through(doors[1], LIMIT + 5) == LIMIT
    assert let_through(doors[0], 5) == 0
