"""Each service is killed, stopped or paused under traffic: predictions go on, and somebody is told (T20)."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.host.services import seen
from tests.compose import eyes
from tests.compose.conftest import MakeStack
from tests.compose.matrix import MEND, ROUNDS, SERVICES, WITH_MARIADB, Round, words_of
from tests.compose.seeding import seed
from tests.compose.stack import Stack
from tests.compose.traffic import RATE, load_on, require_each_stored_once, wait_for_door
from tests.faults.amounts import SETTINGS
from tests.faults.doors import wait_until
from tests.faults.load import OpenLoad
from tests.faults.tally import counted, tell

pytestmark = pytest.mark.slow

OK = 200
ALERT_SECONDS = 120.0
WELL_SECONDS = 240.0
GOES_ON_SECONDS = 5.0
PROGRAMS = (("postgres", "mlflow", "redis", "worker", "scheduler", "exporter", "reports", "prometheus", "alertmanager"),
            ("bento",), ("fastapi",), ("front",))  # fmt: skip
"""What dies together."""


@pytest.fixture(scope="module")
def stack(new_stack: MakeStack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return started(new_stack("matrix"), tmp_path_factory.mktemp("seeds"))


def started(stack: Stack, seeds: Path) -> Stack:
    """Start it with a model and with eyes that see minutes as seconds."""
    eyes.quicken(stack)
    stack.make("secrets")
    stack.make("up")
    seed(stack, seeds)
    wait_until(lambda: eyes.is_told(stack, "ChurnWatchdog"), "alerts arrive", seconds=ALERT_SECONDS)
    return stack


@pytest.mark.parametrize("one", ROUNDS, ids=words_of)
def test_predictions_go_on_and_somebody_is_told(stack: Stack, one: Round) -> None:
    play(stack, one)


@pytest.mark.skipif(SETTINGS.length == "short", reason="an installation of its own: CHURN_TEST_LENGTH=long")
def test_the_same_with_mariadb(new_stack: MakeStack, tmp_path: Path) -> None:
    stack = started(new_stack("matrixmysql", profiles="core,monitoring,mysql"), tmp_path)

    for one in WITH_MARIADB:
        play(stack, one)


def test_a_program_that_dies_is_started_again(stack: Stack) -> None:
    """The engine starts it: nobody asked it to stop."""
    load = load_on(stack, "dies")
    took = {}
    for services in PROGRAMS:
        before = {service: pid_of(stack, service) for service in services}
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        for service, pid in before.items():
            wait_until(lambda: is_another(stack, service, pid), f"{service} is started again", seconds=WELL_SECONDS)  # noqa: B023
            took[service] = time.monotonic() - began
        if {"bento", "front"} & set(services):
            wait_for_door(load)
    load.finish()

    failed = [each for each in load.answers if each.status != OK]
    assert len(failed) <= RATE * (took["front"] + 2), failed
    stored = require_each_stored_once(stack, load)
    tell("T20", "kill -9 of the program in each container, which the engine starts again", faults=len(took),
         **counted_of(load, answers=False), **stored, back_seconds=round(max(took.values()), 1))  # fmt: skip


def counted_of(load: OpenLoad, *, answers: bool) -> dict[str, float]:
    """Count; where nobody can be answered, what failed is told apart."""
    counts = counted([load])
    if answers:
        assert not load.failed, [each for each in load.answers if each.status != OK][:5]
        return counts
    return {"requests": counts["requests"], "failed_without_a_front": counts["failed"]}


def is_another(stack: Stack, service: str, pid: int) -> bool:
    return seen(stack.name)[service].is_well and pid_of(stack, service) != pid


def pid_of(stack: Stack, service: str) -> int:
    return int(stack.run("docker", "inspect", "-f", "{{.State.Pid}}", seen(stack.name)[service].id).stdout)


def play(stack: Stack, one: Round) -> None:
    """Make a round's faults, see each told of, mend them, see that over, and count."""
    fault, services = one
    for service in services:
        wait_until(lambda: not heard(stack, service), f"{service} is not missed yet", seconds=ALERT_SECONDS)  # noqa: B023
    load = load_on(stack, fault)
    told, back = [], []
    with mended(stack, one):
        began = time.monotonic()
        for service in services:
            stack.run("docker", fault, seen(stack.name)[service].id)
        for service in services:
            wait_until(lambda: heard(stack, service), f"{service} is missed", seconds=ALERT_SECONDS)  # noqa: B023
            told.append(time.monotonic() - began)
        time.sleep(GOES_ON_SECONDS)
    began = time.monotonic()
    for service in services:
        wait_until(lambda: is_well(stack, service), f"{service} is back", seconds=WELL_SECONDS)  # noqa: B023
        back.append(time.monotonic() - began)
    wait_for_door(load)
    load.finish()
    counts = counted_of(load, answers=all(SERVICES[each].answers for each in services))
    stored = require_each_stored_once(stack, load)
    tell("T20", words_of(one), faults=len(services), **counts, **stored,
         alert_seconds=round(max(told), 1), back_seconds=round(max(back), 1))  # fmt: skip


@contextlib.contextmanager
def mended(stack: Stack, one: Round) -> Iterator[None]:
    """End the faults when the block ends, whatever it found."""
    fault, services = one
    try:
        yield
    finally:
        for service in services:
            stack.run("docker", MEND[fault], seen(stack.name)[service].id, check=False)


def heard(stack: Stack, service: str) -> bool:
    """Say whether a service's alert fires, and somebody would be told; of Prometheus, whether it is silent."""
    expected = SERVICES[service]
    if not expected.alert:
        return not eyes.is_firing(stack, "ChurnWatchdog")
    fires = eyes.is_firing(stack, expected.alert, **expected.labels)
    return fires and (service == "alertmanager" or eyes.is_told(stack, expected.alert, **expected.labels))


def is_well(stack: Stack, service: str) -> bool:
    """Say whether it is healthy, and nobody misses it any longer."""
    expected = SERVICES[service]
    fires = eyes.is_firing(stack, expected.alert or "ChurnWatchdog", **expected.labels)
    is_seen = eyes.is_firing(stack, "ChurnWatchdog")
    return is_seen and fires != bool(expected.alert) and seen(stack.name)[service].is_well
