import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from churn.contract.contract import Contract
from services.serving import require_free
from tests.faults.conftest import Shop
from tests.faults.doors import Home, Load, OpenDoor, attendant_at_work, attendants, wait_until

pytestmark = pytest.mark.slow

REPLACED_SECONDS = 30.0
"""Half of the minute that the master waits for an answer."""


def fill(disk: Path) -> Path:
    """Write until the disk takes no more."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return path


def nothing_is_lost_or_stored_twice(home: Home, loads: list[Load]) -> None:
    wanted = {key for load in loads for key in load.acknowledged}
    assert wanted
    wait_until(lambda: wanted <= set(home.stored_ids()), "every acknowledged prediction is stored")
    stored = home.stored_ids()
    assert len(stored) == len(set(stored))


@pytest.mark.usefixtures("on_disk")
@pytest.mark.parametrize("kind", ["bento", "fastapi"])
def test_a_killed_worker_is_replaced_and_nothing_acknowledged_is_lost(
    open_door: Callable[..., OpenDoor], home: Home, telco: Contract, kind: str
) -> None:
    door = open_door(kind, workers=2).ready()
    wait_until(lambda: len(door.worker_processes()) == 2 and door.metric("churn_model_info{") == 2, "two workers serve")
    loads = [Load(door, f"load{number}", telco.example) for number in range(2)]
    for load in loads:
        load.start()
    chooser = random.Random(0)
    for _ in range(2):
        time.sleep(1)
        victim = chooser.choice(door.worker_processes())
        victim.kill()
        wait_until(lambda: victim.pid not in {each.pid for each in door.worker_processes()}, "it is gone")  # noqa: B023
        wait_until(
            lambda: len(door.worker_processes()) == 2 and door.metric("churn_model_info{") == 2,
            "it is replaced",
            seconds=60,
        )
    for load in loads:
        load.finish()

    assert [load.failures for load in loads] == [[], []]
    nothing_is_lost_or_stored_twice(home, loads)


@pytest.mark.usefixtures("on_disk")
def test_a_worker_that_dies_while_its_health_is_asked_is_replaced_at_once(open_door: Callable[..., OpenDoor]) -> None:
    door = open_door("fastapi").ready()
    [victim] = door.worker_processes()
    victim.suspend()
    time.sleep(2)  # the master asks every half second, and waits a minute for an answer
    victim.kill()

    wait_until(lambda: victim.pid not in {each.pid for each in door.worker_processes()}, "it is gone")
    wait_until(lambda: door.worker_processes() and door.is_ready(), "it is replaced", seconds=REPLACED_SECONDS)


@pytest.mark.usefixtures("on_disk")
def test_a_killed_attendant_is_replaced_while_prediction_goes_on(
    open_door: Callable[..., OpenDoor], home: Home, telco: Contract
) -> None:
    door = open_door("fastapi").ready()
    load = Load(door, "load", telco.example)
    load.start()
    for _ in range(2):
        pid = attendant_at_work(home)
        psutil.Process(pid).kill()
        wait_until(lambda: attendants(home) not in ([], [pid]), "another one is at work")  # noqa: B023
    load.finish()

    assert load.failures == []
    assert load.breaks == 0
    nothing_is_lost_or_stored_twice(home, [load])


@pytest.mark.usefixtures("on_disk")
def test_a_door_that_dies_as_a_whole_loses_nothing_and_the_other_goes_on(
    open_door: Callable[..., OpenDoor], home: Home, telco: Contract
) -> None:
    bento, fallback = open_door("bento").ready(), open_door("fastapi").ready()
    loads = [Load(bento, "bento", telco.example), Load(fallback, "fastapi", telco.example)]
    for load in loads:
        load.start()
    time.sleep(2)
    bento.kill()
    time.sleep(2)
    for load in loads:
        load.finish()

    assert loads[1].failures == []
    assert loads[1].breaks == 0
    nothing_is_lost_or_stored_twice(home, loads)


@pytest.mark.usefixtures("on_disk")
@pytest.mark.parametrize("kind", ["bento", "fastapi"])
def test_workers_end_when_their_master_is_killed_so_that_the_port_is_free(
    open_door: Callable[..., OpenDoor], home: Home, telco: Contract, kind: str
) -> None:
    """Whoever starts the service again must not meet the old workers on its port."""
    door = open_door(kind, workers=2).ready()
    wait_until(lambda: len(door.worker_processes()) == 2, "two workers serve")
    workers = door.worker_processes()
    load = Load(door, "load", telco.example)
    load.start()
    time.sleep(1)
    os.kill(door.process.pid, signal.SIGKILL)
    door.process.wait()

    wait_until(lambda: not any(each.is_running() for each in workers), "the workers have ended", seconds=20)
    require_free("127.0.0.1", door.port)
    load.finish()
    assert load.failures == []
    open_door(kind).ready()
    nothing_is_lost_or_stored_twice(home, [load])


@pytest.mark.usefixtures("on_disk")
def test_a_full_disk_of_the_spool_stops_no_answer_and_loses_nothing(
    open_door: Callable[..., OpenDoor], home: Home, telco: Contract, small_spool: Path
) -> None:
    door = open_door("fastapi").ready()
    filler = fill(small_spool)
    during = [door.predict(telco.example, key=f"during-{number:04}") for number in range(50)]
    assert {status for status, _ in during} == {200}
    assert not all(found["recorded"] for _, found in during)

    filler.unlink()
    after = [door.predict(telco.example, key=f"after-{number:05}") for number in range(50)]
    assert {status for status, _ in after} == {200}
    keys = {found["prediction_id"] for _, found in during + after}
    wait_until(lambda: keys <= set(home.stored_ids()), "all are stored")
    assert len(home.stored_ids()) == len(keys)
    assert door.metric("churn_recorder_lost_total{") == 0


@pytest.mark.usefixtures("on_shelf")
def test_a_full_disk_of_bundles_leaves_the_version_in_use_until_there_is_room(
    open_door: Callable[..., OpenDoor], shop: Shop, telco: Contract, small_shelf: Path
) -> None:
    door = open_door("fastapi").ready()
    wait_until(lambda: door.health()["registry_reachable"], "the attendant is at work")
    load = Load(door, "load", telco.example, pause=0.02)
    load.start()
    filler = fill(small_shelf)
    version = shop.promote("second")
    wait_until(lambda: "No space left" in door.health()["registry_problem"], "the full disk is told")
    assert door.predict(telco.example)[1]["model_version"] == "1"

    filler.unlink()
    wait_until(lambda: door.predict(telco.example)[1]["model_version"] == str(version), "it follows")
    load.finish()
    assert (load.failures, load.breaks) == ([], 0)


@pytest.mark.usefixtures("on_disk")
def test_sigterm_lets_requests_in_flight_end(open_door: Callable[..., OpenDoor], home: Home, telco: Contract) -> None:
    loads = []
    for kind in ("fastapi", "bento"):
        door = open_door(kind, workers=2).ready()
        load = Load(door, kind, telco.example, pause=0.0)
        load.start()
        time.sleep(1.5)
        assert door.stop() == 0
        load.finish()
        assert load.failures == []
        loads.append(load)
    open_door("fastapi").ready()  # what the last worker wrote after the attendant had gone waits for the next one
    nothing_is_lost_or_stored_twice(home, loads)
