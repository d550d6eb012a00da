"""A shadow behind a real door: production does not feel it, and what it scored is stored exactly once."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import mlflow
import psutil
import pytest

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.scoring.loading import load_scorer
from churn.scoring.prediction import utc_text
from churn.stores.shadows import is_sampled, shadow_id
from tests.faults.conftest import Shop
from tests.faults.doors import Home, Load, OpenDoor, attendant_at_work, attendants, wait_until
from tests.tracking import own_tracking

pytestmark = pytest.mark.slow
SHARE = 0.4
KILLS = 2


def cast_shadow(shop: Shop, which: str) -> int:
    """Register another bundle, and give it the alias."""
    with own_tracking():
        mlflow.set_tracking_uri(shop.uri)
        digest = digest_of(shop.folders[which])
        made = shop.registry.register(shop.name, shop.logged[which], run_id=shop.run_id, digest=digest, tags={})
        shop.registry.move_alias(made, "shadow")
    return made.version


def stored(home: Home, role: str) -> list[tuple[str, str]]:
    """Id and moment of every prediction of a role."""
    with sqlite3.connect(home.database, timeout=20) as connection:
        query = "select prediction_id, predicted_at from predictions where role = ?"
        found = connection.execute(query, (role,)).fetchall()
    connection.close()
    return found


def shadow_state(door: OpenDoor) -> dict[str, Any]:
    return door.health()["shadow"] or {}


@pytest.mark.usefixtures("on_disk")
def test_a_shadow_under_traffic_is_scored_once_though_its_attendant_is_killed_and_no_answer_knows_of_it(
    open_door: Callable[..., OpenDoor], home: Home, shop: Shop, telco: Contract
) -> None:
    home.environment["CHURN_SHADOW_SHARE"] = str(SHARE)
    door = open_door("fastapi").ready()
    load = Load(door, "load", telco.example)
    load.start()
    wait_until(home.stored_ids, "traffic is stored")
    version = cast_shadow(shop, "second")
    wait_until(lambda: shadow_state(door).get("scored"), "the shadow is scored", seconds=90)
    since = utc_text(datetime.now(UTC))
    for _ in range(KILLS):
        time.sleep(1.5)
        pid = attendant_at_work(home)
        psutil.Process(pid).kill()
        wait_until(lambda: attendants(home) not in ([], [pid]), "another attendant is at work", seconds=90)  # noqa: B023
    load.finish()

    wait_until(lambda: set(load.acknowledged) <= set(home.stored_ids()), "all is stored")
    heard, shadows = dict(stored(home, "production")), Counter(name for name, _ in stored(home, "shadow"))
    expected = {shadow_id(version, name) for name, at in heard.items() if at > since and is_sampled(name, SHARE)}
    never = {shadow_id(version, name) for name in heard if not is_sampled(name, SHARE)}
    assert len(expected) > 50
    assert expected <= set(shadows)
    assert not never & set(shadows)
    assert set(shadows.values()) == {1}
    assert (load.failures, load.breaks) == ([], 0)
    assert set(load.answered.values()) == {"1"}
    _, answer = door.predict(telco.example)
    scorer = load_scorer(shop.folders["first"], name=shop.name, version=1)
    assert answer["churn_probability"] == scorer.score_row(scorer.form.read(json.dumps(telco.example).encode()).row)


@pytest.mark.usefixtures("on_disk")
def test_a_shadow_that_was_tampered_with_is_told_of_and_hurts_nobody(
    open_door: Callable[..., OpenDoor], home: Home, shop: Shop, telco: Contract
) -> None:
    door = open_door("fastapi").ready()
    cast_shadow(shop, "bad")
    wait_until(lambda: "model.onnx" in shadow_state(door).get("problem", ""), "it is told of", seconds=90)
    answers = [door.predict(telco.example)[1] for _ in range(20)]
    wait_until(lambda: len(home.stored_ids()) == 20, "production is stored")

    assert {each["model_version"] for each in answers} == {"1"}
    assert stored(home, "shadow") == []
    assert door.health()["status"] == "ok"
