import socket
from collections.abc import Callable

import pytest

from churn.contract.contract import Contract
from tests.faults.conftest import Shop
from tests.faults.doors import Home, Load, OpenDoor, wait_until

pytestmark = pytest.mark.slow


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_without_its_registry_a_door_starts_and_serves_the_last_good_version(
    open_door: Callable[..., OpenDoor], home: Home, telco: Contract, on_disk: int
) -> None:
    home.environment["CHURN_TRACKING_URI"] = f"http://127.0.0.1:{closed_port()}"
    door = open_door("bento").ready()

    status, found = door.predict(telco.example)
    assert (status, found["model_version"]) == (200, str(on_disk))
    wait_until(lambda: door.health()["attendant_age_seconds"] is not None, "the attendant is at work")
    assert door.health()["registry_reachable"] is False
    assert door.health()["status"] == "degraded"


def test_a_door_without_any_model_takes_the_first_one_up_by_itself(
    open_door: Callable[..., OpenDoor], shop: Shop, telco: Contract
) -> None:
    door = open_door("fastapi")
    wait_until(lambda: _answers(door), "the door is open", seconds=60)
    assert door.predict(telco.example)[0] == 503

    version = shop.promote("first")
    wait_until(door.is_ready, "the model is live")
    assert door.predict(telco.example)[1]["model_version"] == str(version)


def test_while_the_database_is_away_predictions_wait_and_then_arrive_once(
    open_door: Callable[..., OpenDoor], home: Home, telco: Contract, on_disk: int
) -> None:
    del on_disk
    blocked = home.folder / "blocked"
    blocked.write_text("a file where the database's folder should be")
    home.environment["CHURN_DATABASE_URL"] = f"sqlite:///{blocked / 'churn.db'}"
    door = open_door("fastapi").ready()
    load = Load(door, "load", telco.example)
    load.start()
    wait_until(lambda: "blocked" in door.health()["database_problem"], "the outage is told")
    wait_until(lambda: len(load.acknowledged) > 100, "predictions are made meanwhile")
    assert door.metric("churn_recorder_backlog") > 0

    blocked.unlink()
    load.finish()
    stored = Home(blocked, {})
    wait_until(lambda: set(load.acknowledged) <= set(stored.stored_ids()), "all are stored")
    assert len(stored.stored_ids()) == len(set(stored.stored_ids()))
    assert load.failures == []


def _answers(door: OpenDoor) -> bool:
    try:
        return door.ask("GET", "/livez")[0] == 200
    except OSError:
        return False
