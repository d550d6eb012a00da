"""A door whose memory disk, where its workers keep their metrics, takes no more."""

import http.client
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from churn.contract.contract import Contract
from churn.settings import environment_for_children
from tests.faults.doors import ROOT, Home, OpenDoor, wait_until
from tests.faults.tally import tell
from tests.faults.test_kills import fill

pytestmark = pytest.mark.slow

PREDICTIONS = 200
MOUNT = 'mount -t tmpfs -o size=4m tmpfs /dev/shm && exec "$@"'


@dataclass
class BoxedDoor(OpenDoor):
    """A door with a memory disk of 4 MB of its own."""

    def open(self) -> None:
        serve = [sys.executable, "-c", "from cli.main import run; run()", "serve", "--door", self.kind]
        self.process = subprocess.Popen(
            ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", MOUNT, "sh", *serve, "--port", str(self.port)],
            cwd=ROOT, env=environment_for_children(**self.home.environment, CHURN_HOME=str(self.home.folder)),
            start_new_session=True,
        )  # fmt: skip

    @property
    def memory_disk(self) -> Path:
        return Path(f"/proc/{self.process.pid}/root/dev/shm")


@pytest.fixture
def boxed_door(home: Home, on_disk: int) -> Iterator[Callable[[str], BoxedDoor]]:
    del on_disk
    if os.getuid() != 0 and not os.environ.get("CI"):  # noqa: TID251  in the integration nothing is skipped
        pytest.skip("only root can mount a small disk")
    opened: list[BoxedDoor] = []

    def open_one(kind: str) -> BoxedDoor:
        opened.append(BoxedDoor(kind, home))
        opened[-1].ready()
        return opened[-1]

    yield open_one
    for door in opened:
        if door.process.poll() is None:
            door.kill()


@pytest.mark.parametrize("kind", ["bento", "fastapi"])
def test_a_door_answers_while_the_disk_of_its_metrics_is_full(
    boxed_door: Callable[[str], BoxedDoor], telco: Contract, kind: str
) -> None:
    door = boxed_door(kind)
    before = {each.pid for each in door.processes()}
    filler = fill(door.memory_disk)
    answers: list[int] = []
    while len(answers) < PREDICTIONS and (not answers or answers[-1] == 200):
        answers.append(asked(door, telco))
    died = before - {each.pid for each in door.processes()}
    assert not died
    assert answers == [200] * PREDICTIONS

    filler.unlink()
    counted = door.metric("churn_predictions_total")
    wait_until(lambda: door.predict(telco.example)[0] == 200 and door.metric("churn_predictions_total") > counted, "on")
    tell("T8", f"a full memory disk under the metrics: {kind}", faults=1, requests=PREDICTIONS, failed=0)


def asked(door: BoxedDoor, telco: Contract) -> int:
    try:
        return door.predict(telco.example)[0]
    except (OSError, http.client.HTTPException):
        return 0
