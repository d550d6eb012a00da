import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, update
from starlette.testclient import TestClient

from churn.stores.api_keys import ApiKeyStore
from churn.stores.roles import ROLES
from churn.stores.tables import api_keys
from churn.stores.users import UserStore
from services.access import identities, listing
from services.access.desk import Desk
from services.api.access import RULES, Rule
from services.settings import ServiceSettings
from tests.services.people import access_settings, bearer, desk_of, guarded, key_of, open_store, path_of, token_of

CLOSED = [rule for rule in RULES if rule.access != "open"]
CHECKED = ("predict", *ROLES)
names = [f"{rule.method} {rule.path}" for rule in CLOSED]
every_closed_route = pytest.mark.parametrize("rule", CLOSED, ids=names)


@dataclass
class Place:
    settings: ServiceSettings
    engine: Engine
    desk: Desk
    client: TestClient
    clock: "Clock"
    keys: dict[str, dict[str, str]]

    def ask(self, rule: Rule, headers: dict[str, str] | None = None) -> int:
        return self.client.request(rule.method, path_of(rule), headers=headers).status_code

    def token(self, name: str) -> dict[str, str]:
        return bearer(token_of(self.settings, self.engine, name))


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


def place_of(home: Path, **changes: object) -> Iterator[Place]:
    settings = access_settings(home, **changes)
    engine, clock = open_store(settings), Clock()
    desk = desk_of(settings)
    desk.listing._clock = desk.identities._clock = clock
    with TestClient(guarded(desk)) as client:
        yield Place(
            settings, engine, desk, client, clock, {role: {"x-api-key": key_of(engine, role)} for role in ROLES}
        )
    engine.dispose()
    desk.stores.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Only for tests that change nothing."""
    yield from place_of(tmp_path_factory.mktemp("home"), predict_access="key")


@pytest.fixture
def own_place(tmp_path: Path) -> Iterator[Place]:
    yield from place_of(tmp_path)


@every_closed_route
def test_nobody_gets_through_to_a_route_that_is_not_open(place: Place, rule: Rule) -> None:
    answer = place.client.request(rule.method, path_of(rule))

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="holdfast"'
    assert answer.json()["status"] == 401


@every_closed_route
def test_each_role_gets_through_to_what_is_its_own_and_no_farther(place: Place, rule: Rule) -> None:
    needed = max(CHECKED.index(rule.access) - 1, 0)

    found = [(place.ask(rule, place.token(role)), place.ask(rule, place.keys[role])) for role in ROLES]

    assert found == [(403, 403)] * needed + [(200, 200)] * (len(ROLES) - needed)


def test_open_routes_do_not_ask_even_who_shows_nonsense(place: Place) -> None:
    opened = [rule for rule in RULES if rule.access == "open"]

    assert {place.ask(rule, headers) for rule in opened for headers in ({}, bearer("x"))} == {200}


def test_predictions_are_open_by_setting_but_nonsense_is_refused(own_place: Place) -> None:
    predict = Rule("POST", "/predict", "predict")

    assert own_place.ask(predict) == 200
    assert own_place.ask(predict, bearer("nonsense")) == 401
    assert own_place.ask(predict, own_place.token("client")) == 200


def test_who_gets_through_is_named(place: Place) -> None:
    key = place.keys["client"]

    shown = [place.token("viewer"), key, {"authorization": f"bearer {key['x-api-key']}"}]

    assert [place.client.get("/api/v1/users/me", headers=each).json()["name"] for each in shown] == [
        "viewer", "key:for a client", "key:for a client",
    ]  # fmt: skip


def test_a_refused_key_is_refused_wherever_it_is_wrong(place: Place) -> None:
    key = place.keys["admin"]["x-api-key"]
    other = "A" if key[-1] != "A" else "B"
    wrong = [f"{key[:-1]}{other}", f"{key[:-2]}", f"{key}A", f"hf_{'0' * 16}_{key[20:]}", "hf_", "hf_x_y", key.upper()]

    answers = [place.client.get("/api/v1/models", headers={"x-api-key": each}) for each in wrong]

    assert {each.status_code for each in answers} == {401}
    assert len({each.json()["detail"] for each in answers}) == 1


def test_two_credentials_are_refused_even_when_both_are_valid(place: Place) -> None:
    (token,), key = place.token("admin").values(), place.keys["admin"]["x-api-key"]
    pairs = [
        [("authorization", token), ("authorization", token)],
        [("authorization", token), ("x-api-key", key)],
        [("x-api-key", key), ("X-API-Key", key)],
    ]

    assert {place.client.get("/api/v1/models", headers=pair).status_code for pair in pairs} == {401}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/retrain/"), ("POST", "//api/v1/retrain"), ("POST", "/API/V1/RETRAIN"),
        ("POST", "/api/v1/models/1/activate/"), ("PUT", "/api/v1/retrain"), ("OPTIONS", "/api/v1/retrain"),
    ],
)  # fmt: skip
def test_a_variant_of_a_path_is_another_path_which_no_route_has(place: Place, method: str, path: str) -> None:
    """The guard lets it through to the router, and the router knows no such route: see test_access_doors."""
    assert (method, path) not in {(rule.method, rule.path) for rule in RULES}
    assert place.client.request(method, path).json()["name"] is None


def test_a_host_header_does_not_change_the_path_that_is_judged(place: Place) -> None:
    for host in ("x/livez?", "x/livez#", "livez", "[::1", "a b"):
        assert place.client.post("/api/v1/retrain", headers={"host": host}).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        lambda users: users.set_active("admin", is_active=False),
        lambda users: users.set_password("admin", "another long password"),
        lambda users: users.set_role("admin", "viewer"),
    ],
    ids=["disabled", "new password", "lower role"],
)
def test_a_change_of_a_user_holds_after_half_a_minute(own_place: Place, change: object) -> None:
    retrain, token = Rule("POST", "/api/v1/retrain", "admin"), own_place.token("admin")
    assert own_place.ask(retrain, token) == 200

    change(UserStore(own_place.engine))  # type: ignore[operator]
    own_place.clock.ahead += listing.OLDEST_SECONDS + 1

    assert own_place.ask(retrain, token) in {401, 403}


def test_a_revoked_and_an_expired_key_hold_no_more_after_half_a_minute(own_place: Place) -> None:
    models = Rule("GET", "/api/v1/models", "viewer")
    keys = [own_place.keys["viewer"], own_place.keys["admin"]]
    assert {own_place.ask(models, key) for key in keys} == {200}

    ids = [key["x-api-key"].split("_")[1] for key in keys]
    ApiKeyStore(own_place.engine).revoke(ids[0])
    with own_place.engine.begin() as connection:
        ended = {"expires_at": "2020-01-01T00:00:00.000Z"}
        connection.execute(update(api_keys).where(api_keys.c.key_id == ids[1]).values(ended))
    own_place.clock.ahead += listing.OLDEST_SECONDS + 1

    assert {own_place.ask(models, key) for key in keys} == {401}


def test_a_new_user_and_a_new_key_are_known_at_once(own_place: Place) -> None:
    assert own_place.ask(Rule("GET", "/api/v1/models", "viewer"), own_place.token("viewer")) == 200

    UserStore(own_place.engine).add("zoe", "correct horse battery", role="viewer")
    assert own_place.ask(Rule("GET", "/api/v1/models", "viewer"), own_place.token("zoe")) == 200
    key = {"x-api-key": key_of(own_place.engine, "viewer")}
    assert own_place.ask(Rule("GET", "/api/v1/models", "viewer"), key) == 200


def _lose_store(place: Place) -> None:
    """Let the directory's next reading fail, as it does when the database is away."""

    def away() -> object:
        from churn.errors import StoreError

        raise StoreError("the database is away")

    place.desk.listing._read = away  # type: ignore[assignment]
    place.clock.ahead += listing.OLDEST_SECONDS + 1


@pytest.mark.parametrize("access", ["open", "key"])
def test_with_the_store_away_who_was_known_predicts_for_ten_minutes_and_nothing_else_goes(
    tmp_path: Path, access: str
) -> None:
    for place in place_of(tmp_path, predict_access=access):
        predict, models = Rule("POST", "/predict", "predict"), Rule("GET", "/api/v1/models", "viewer")
        known, unknown = place.keys["admin"], place.keys["client"]
        assert place.ask(predict, known) == 200

        _lose_store(place)

        assert place.ask(predict, known) == 200
        assert place.ask(models, known) == 503
        assert place.ask(predict, unknown) == (200 if access == "open" else 503)
        assert place.ask(predict, bearer("nonsense")) == 401
        place.clock.ahead += identities.GRACE_SECONDS
        assert place.ask(predict, known) == (200 if access == "open" else 503)


def test_a_store_that_hangs_delays_one_prediction_and_no_more(
    own_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PATIENCE_SECONDS", 0.3)
    answering, predict = threading.Event(), Rule("POST", "/predict", "predict")
    read = own_place.desk.listing._read
    assert own_place.ask(predict, own_place.keys["client"]) == 200

    def hanging() -> object:
        answering.wait(20)
        return read()

    own_place.desk.listing._read = hanging  # type: ignore[assignment]
    own_place.clock.ahead += listing.OLDEST_SECONDS + 1
    began = time.monotonic()
    statuses = []
    for _ in range(30):
        statuses.append(own_place.ask(predict, own_place.keys["client"]))
        own_place.clock.ahead += 1
    answering.set()

    assert set(statuses) == {200}
    assert time.monotonic() - began < 30 * 0.3 / 2  # what all would wait together, if each waited
    assert own_place.desk.listing.is_away


def test_a_driver_that_fails_in_a_way_of_its_own_does_not_let_an_old_copy_decide(own_place: Place) -> None:
    models = Rule("GET", "/api/v1/models", "viewer")
    assert own_place.ask(models, own_place.keys["viewer"]) == 200

    def strange() -> object:
        raise ZeroDivisionError

    own_place.desk.listing._read = strange  # type: ignore[assignment]
    own_place.clock.ahead += listing.OLDEST_SECONDS + 1

    assert {own_place.ask(models, own_place.keys["viewer"]) for _ in range(3)} == {503}


def test_what_is_refused_while_the_store_is_away_does_not_name_it(own_place: Place) -> None:
    _lose_store(own_place)

    answer = own_place.client.get("/api/v1/models", headers=own_place.token("admin"))

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "sqlite" not in answer.text
