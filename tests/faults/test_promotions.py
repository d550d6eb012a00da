import time
from collections.abc import Callable

import pytest

from churn.contract.contract import Contract
from tests.faults.conftest import Shop
from tests.faults.doors import Load, OpenDoor, attendants, wait_until

pytestmark = pytest.mark.slow


def live_workers(door: OpenDoor, version: int) -> int:
    text = door.ask("GET", "/metrics")[1].decode().splitlines()
    return sum(
        round(float(line.rpartition(" ")[2]))
        for line in text
        if line.startswith("churn_model_info{") and f'version="{version}"' in line
    )


def test_promotions_reach_every_worker_of_both_doors_in_five_seconds_without_a_failed_request(
    open_door: Callable[..., OpenDoor], shop: Shop, telco: Contract, on_disk: int
) -> None:
    doors = [open_door("bento", workers=2).ready(), open_door("fastapi", workers=2).ready()]
    for door in doors:
        wait_until(lambda: live_workers(door, on_disk) == 2, "both workers serve", seconds=30)  # noqa: B023
    wait_until(lambda: attendants(door.home), "an attendant is at work", seconds=30)
    loads = [Load(door, door.kind, telco.example) for door in doors]
    for load in loads:
        load.start()
    took = []
    for which in ("second", "first", "second", "first"):
        version = shop.promote(which)
        took.append(wait_until(lambda: all(live_workers(door, version) == 2 for door in doors), "every worker follows"))  # noqa: B023
        time.sleep(0.5)
    for load in loads:
        load.finish()

    assert max(took) <= 5.0, took
    assert [(load.failures, load.breaks) for load in loads] == [([], 0), ([], 0)]
    assert all(set(load.answered.values()) == {str(on_disk + step) for step in range(5)} for load in loads)


def test_a_bad_bundle_never_replaces_a_good_one(
    open_door: Callable[..., OpenDoor], shop: Shop, telco: Contract, on_disk: int
) -> None:
    door = open_door("fastapi").ready()
    wait_until(lambda: attendants(door.home), "an attendant is at work", seconds=30)
    load = Load(door, "load", telco.example)
    load.start()
    bad = [shop.promote("bad"), shop.promote("second", digest="0" * 64)]
    wait_until(lambda: str(bad[-1]) in door.health()["quarantined"], "it is quarantined", seconds=30)
    time.sleep(2)
    load.finish()

    assert set(load.answered.values()) == {str(on_disk)}
    assert load.failures == []
    assert door.metric("churn_bundles_quarantined") >= 1

    good = shop.promote("second")
    wait_until(lambda: door.predict(telco.example)[1]["model_version"] == str(good), "a good one is followed")
