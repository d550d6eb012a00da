from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from services.settings import ServiceSettings
from tests.services.people import access_settings, bearer, desk_of, guarded, key_of, token_of

LIMIT = 5


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    return access_settings(tmp_path, requests_per_minute=LIMIT, predict_per_minute=LIMIT, trusted_proxies=("10.0.0.1",))


@pytest.fixture
def stack(settings: ServiceSettings, people: Engine) -> Iterator[ExitStack]:
    del settings, people
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def door(settings: ServiceSettings, stack: ExitStack) -> "Door":
    return Door(settings, stack)


class Door:
    """One worker that clients of several addresses reach."""

    def __init__(self, settings: ServiceSettings, stack: ExitStack) -> None:
        desk = desk_of(settings)
        self._app, self._stack = guarded(desk), stack
        stack.callback(desk.stores.close)

    def at(self, address: str) -> TestClient:
        return TestClient(self._app, client=(address, 4711))


def admitted(
    client: TestClient, *, times: int = 12, method: str = "POST", path: str = "/predict", **more: object
) -> int:
    statuses = [client.request(method, path, **more).status_code for _ in range(times)]  # type: ignore[arg-type]
    assert set(statuses) <= {200, 429}
    return statuses.count(200)


def test_an_address_that_invents_proxies_gets_no_more(door: Door) -> None:
    client = door.at("1.2.3.4")

    tried = [admitted(client, times=1, headers={"x-forwarded-for": f"9.9.{at}.1"}) for at in range(20)]

    assert sum(tried) == LIMIT


def test_who_comes_through_our_proxy_is_counted_by_what_the_proxy_saw(door: Door) -> None:
    proxy = door.at("10.0.0.1")

    first = [admitted(proxy, times=1, headers={"x-forwarded-for": f"8.8.{at}.1, 9.9.9.1"}) for at in range(20)]
    other = admitted(proxy, headers={"x-forwarded-for": "9.9.9.2"})

    assert (sum(first), other) == (LIMIT, LIMIT)


def test_a_household_of_ipv6_is_one_subject(door: Door) -> None:
    assert sum(admitted(door.at(f"2001:db8::{at:x}"), times=1) for at in range(1, 20)) == LIMIT


def test_many_tokens_of_one_user_are_one_subject(door: Door, settings: ServiceSettings, people: Engine) -> None:
    tokens = [bearer(token_of(settings, people, "viewer")) for _ in range(4)]

    with door.at("1.2.3.4") as client:
        found = [admitted(client, times=3, headers=each) for each in tokens]

    assert sum(found) == LIMIT


def test_a_user_and_another_and_a_key_and_nobody_do_not_share_a_limit(
    door: Door, settings: ServiceSettings, people: Engine
) -> None:
    shown = [{}, bearer(token_of(settings, people, "viewer")), {"x-api-key": key_of(people, "viewer")}]

    with door.at("1.2.3.4") as client:
        assert [admitted(client, headers=each) for each in shown] == [LIMIT] * 3


@pytest.mark.parametrize("path", ["/predict?explain=false", "/predict?x", "/%70redict", "/predict#x"])
def test_another_way_to_write_a_path_counts_the_same(door: Door, path: str) -> None:
    client = door.at("1.2.3.4")

    assert admitted(client, times=3) + admitted(client, path=path) == LIMIT


def test_the_two_kinds_of_requests_are_counted_apart_and_head_as_get(door: Door) -> None:
    client = door.at("1.2.3.4")

    assert admitted(client) == LIMIT
    assert admitted(client, method="GET", path="/docs") == LIMIT
    assert admitted(client, method="HEAD", path="/docs") == 0


def test_probes_are_never_limited(door: Door) -> None:
    assert admitted(door.at("1.2.3.4"), method="GET", path="/livez", times=50) == 50


def test_guessing_keys_is_limited_by_address_and_known_keys_go_on(door: Door, people: Engine) -> None:
    key = {"x-api-key": key_of(people, "viewer")}
    with door.at("1.2.3.4") as client:
        assert client.get("/api/v1/models", headers=key).status_code == 200

        guesses = [client.post("/predict", headers=bearer(f"guess{at}")).status_code for at in range(12)]

        assert guesses == [401] * (LIMIT - 1) + [429] * (12 - LIMIT + 1)
        assert client.get("/api/v1/models", headers=key).status_code == 200


def test_no_limit_is_no_limit(tmp_path: Path, stack: ExitStack) -> None:
    door = Door(access_settings(tmp_path, predict_per_minute=0), stack)

    assert admitted(door.at("1.2.3.4"), times=200) == 200
