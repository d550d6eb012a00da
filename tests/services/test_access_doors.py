"""Access at both real doors: what a socket sends is what the guard judges."""

import json
import time
from collections.abc import Callable

import pytest

from churn.stores.database import open_migrated
from churn.stores.users import UserStore
from tests.faults.conftest import home, logged, on_disk, open_door, shop
from tests.faults.doors import Home, OpenDoor, wait_until
from tests.services.people import PASSWORD

__all__ = ["home", "logged", "on_disk", "open_door", "shop"]

pytestmark = pytest.mark.slow
LIMIT = 8


@pytest.fixture
def store(home: Home) -> UserStore:
    engine = open_migrated(f"sqlite:///{home.database}")
    users = UserStore(engine)
    users.add("ann", PASSWORD, role="admin")
    home.environment["CHURN_PREDICT_PER_MINUTE"] = str(LIMIT)
    return users


def token(door: OpenDoor) -> str:
    content = json.dumps({"username": "ann", "password": PASSWORD}).encode()
    found: list[tuple[int, bytes]] = []

    def is_told() -> bool:
        found.append(door.ask("POST", "/api/v1/token", content, {"content-type": "application/json"}))
        return found[-1][0] != 503

    wait_until(is_told, "the door has read who may sign in")
    status, answer = found[-1]
    assert status == 200
    return str(json.loads(answer)["access_token"])


@pytest.mark.usefixtures("on_disk")
@pytest.mark.parametrize("kind", ["bento", "fastapi"])
def test_who_signs_in_at_a_door_is_known_to_all_its_workers_and_a_change_holds_in_30_seconds(
    open_door: Callable[..., OpenDoor], store: UserStore, kind: str
) -> None:
    door = open_door(kind, workers=2).ready()
    shown = {"authorization": f"Bearer {token(door)}"}

    assert {door.ask("GET", "/api/v1/users/me", None, shown)[0] for _ in range(10)} == {200}

    store.set_active("ann", is_active=False)
    began = time.monotonic()
    while {door.ask("GET", "/api/v1/users/me", None, shown)[0] for _ in range(4)} != {401}:
        assert time.monotonic() - began < 31
        time.sleep(0.3)


@pytest.mark.usefixtures("on_disk", "store")
@pytest.mark.parametrize("kind", ["bento", "fastapi"])
def test_a_client_on_this_machine_evades_no_limit_and_no_decision(
    open_door: Callable[..., OpenDoor], kind: str
) -> None:
    door = open_door(kind).ready()
    json_type = {"content-type": "application/json"}
    forged = [{**json_type, "x-forwarded-for": f"9.9.{at}.9", "forwarded": f"for=9.9.{at}.9"} for at in range(40)]

    statuses = [door.ask("POST", "/predict", b"{}", headers)[0] for headers in forged]

    assert statuses == [422] * LIMIT + [429] * (40 - LIMIT)
    variants = ["/api/v1/retrain", "/api/v1/retrain/", "//api/v1/retrain", "/api/v1/../v1/retrain", "/%61pi/v1/retrain"]
    hosts = ["x", "x/livez?", "[::1", ""]
    found = {door.ask("POST", path, b"{}", {**json_type, "host": host})[0] for path in variants for host in hosts}
    assert found <= {400, 401, 404, 405}
