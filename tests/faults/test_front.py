import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from churn.contract.contract import Contract
from tests.faults.amounts import amount
from tests.faults.conftest import Rig
from tests.faults.doors import OpenDoor, wait_until
from tests.faults.load import OpenLoad
from tests.faults.scores import customers, offline_scores, wrong_scores
from tests.faults.tally import counted, require_each_stored_once, tell

pytestmark = pytest.mark.slow

RATE = 50.0
FAILOVER_SECONDS = 2.0
BUDGET_SECONDS = 1.0


@contextmanager
def load_on(rig: Rig, contract: Contract, name: str) -> Iterator[OpenLoad]:
    """Load on the front while the block runs; afterwards everything must have been answered with the right score."""
    sent = customers(contract)
    load = OpenLoad(rig.front.port, sent, name=name, rate=RATE).start()
    wait_until(lambda: any(each.door == "bento" for each in load.answers[-5:]), "the first door answers")
    try:
        yield load
    finally:
        load.finish()
    assert load.failed == {}
    assert load.breaks == 0
    scores = {str(rig.version): offline_scores(rig.shop.folders["first"], sent)}
    assert wrong_scores(load.answers, scores) == []


def until_bento_answers(load: OpenLoad) -> None:
    wait_until(
        lambda: load.answers[-1].door == "bento" and len({each.door for each in load.answers[-20:]}) == 1,
        "the first door is back", seconds=60,
    )  # fmt: skip


def test_after_kill_9_of_bentoml_the_fallback_answers_in_two_seconds_and_nobody_notices(
    rig: Rig, telco: Contract
) -> None:
    kills = []
    with load_on(rig, telco, "kill") as load:
        for _ in range(amount("kills of one door")):
            kills.append(time.monotonic())
            rig.bento.kill()
            wait_until(lambda: load.answers[-1].door == "fastapi", "the fallback answers", seconds=FAILOVER_SECONDS)
            time.sleep(1)
            rig.bento.open()
            rig.bento.ready()
            until_bento_answers(load)

    worst = max(load.worst_seconds(since=at - 1, until=at + 5) for at in kills)
    assert worst <= FAILOVER_SECONDS
    stored = require_each_stored_once(rig.home, [load])
    tell(
        "T3", "kill -9 of all of BentoML, through the front", faults=len(kills), **counted([load]), **stored,
        worst_failover_seconds=round(worst, 3),
    )  # fmt: skip


def test_a_killed_worker_costs_no_answer(rig: Rig, telco: Contract) -> None:
    chooser, kills = random.Random(0), amount("kills of a worker")
    with load_on(rig, telco, "worker") as load:
        for _ in range(kills):
            victim = chooser.choice(rig.bento.worker_processes())
            victim.kill()
            wait_until(lambda: _is_replaced(rig.bento, victim), "it is replaced", seconds=30)  # noqa: B023

    stored = require_each_stored_once(rig.home, [load])
    worst = round(load.worst_seconds(), 3)
    tell("T3", "kill -9 of one of two workers, through the front", faults=kills, **counted([load]), **stored,
         worst_failover_seconds=worst)  # fmt: skip


def test_a_door_that_hangs_keeps_nobody_waiting_beyond_the_budget(rig: Rig, telco: Contract) -> None:
    hangs = amount("hangs")
    with load_on(rig, telco, "hang") as load:
        for _ in range(hangs):
            stopped = [each for each in rig.bento.processes() if "services.attendant" not in each.cmdline()]
            _signal(stopped, signal.SIGSTOP)
            began = time.monotonic()
            wait_until(lambda: {each.door for each in load.answers[-20:]} == {"fastapi"}, "it is left alone", seconds=5)
            left_alone = time.monotonic() - began
            time.sleep(4)
            _signal(stopped, signal.SIGCONT)
            until_bento_answers(load)

    worst = load.worst_seconds()
    assert worst <= BUDGET_SECONDS
    assert left_alone <= 3.0
    stored = require_each_stored_once(rig.home, [load])
    tell("T3c", "SIGSTOP of BentoML, through the front", faults=hangs, **counted([load]), **stored,
         worst_failover_seconds=round(worst, 3))  # fmt: skip


def test_restarting_one_door_after_the_other_fails_no_request(rig: Rig, telco: Contract) -> None:
    rounds = amount("rolling restarts")
    codes = []
    with load_on(rig, telco, "roll") as load:
        for door in [rig.bento, rig.fallback] * rounds:
            codes.append(door.stop())
            door.open()
            door.ready()
            until_bento_answers(load)

    assert set(codes) == {0}
    stored = require_each_stored_once(rig.home, [load])
    tell("T3b", "SIGTERM of each door in turn, through the front", faults=len(codes), **counted([load]), **stored,
         worst_failover_seconds=round(load.worst_seconds(), 3))  # fmt: skip


def _is_replaced(door: OpenDoor, victim: psutil.Process) -> bool:
    pids = {each.pid for each in door.worker_processes()}
    return victim.pid not in pids and len(pids) == 2 and door.metric("churn_model_info{") == 2


def _signal(processes: list[psutil.Process], what: signal.Signals) -> None:
    for each in processes:
        each.send_signal(what)
