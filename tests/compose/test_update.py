"""`make update` under traffic: no request fails, a door that does not start is left out, one may go back (T3b)."""

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from deploy.host.services import seen
from tests.compose.conftest import MakeStack
from tests.compose.seeding import move, seed
from tests.compose.stack import TAG, Stack
from tests.compose.traffic import load_on, require_each_stored_once, wait_for_door
from tests.faults.load import OpenLoad
from tests.faults.tally import counted, tell

pytestmark = pytest.mark.slow

REPOSITORIES = ("serving", "bento", "pipelines", "mlflow")
NEW = "test-update"
"""Tag of the images that these tests replace: other tests run on those of `TAG`."""

LABEL = "holdfast.update"
PROMOTED_SECONDS = 12.0
"""After the beginning of the update: the first door is being made anew then."""


@pytest.fixture(scope="module")
def stack(new_stack: MakeStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An installation without eyes, with a version in production and another one beside it."""
    stack = new_stack("update", profiles="core")
    stack.make("secrets")
    stack.make("up")
    seed(stack, tmp_path_factory.mktemp("seeds"))
    yield stack
    tags = [f"holdfast/{each}:{tag}" for each in REPOSITORIES for tag in (NEW, f"before-{stack.name}")]
    subprocess.run(["docker", "rmi", "--force", "--no-prune", *tags], capture_output=True, check=False)


def build(name: str, repository: str, *, more: str = "") -> None:
    """Make a new image of one that is there."""
    text = f'FROM holdfast/{repository}:{TAG}\nLABEL {LABEL}="{name}"\n{more}\n'
    command = ["docker", "build", "-q", "-t", f"holdfast/{repository}:{NEW}", "-"]
    subprocess.run(command, input=text, text=True, check=True, capture_output=True)


def update(stack: Stack, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Run `deploy.host update` for the tag of these tests."""
    return stack.run(
        "env", f"HOLDFAST_TAG={NEW}", sys.executable, "-m", "deploy.host", "update", *words, check=check
    )  # fmt: skip


def made_of(stack: Stack, service: str) -> str:
    """Return which of the images a service's container was made of."""
    of_label = f'{{{{index .Config.Labels "{LABEL}"}}}}'
    return stack.run("docker", "inspect", "-f", of_label, seen(stack.name)[service].id).stdout.strip()


def finished(stack: Stack, load: OpenLoad, plan: str, fault: str, **facts: float) -> None:
    """See that no prediction failed and none is lost."""
    load.finish()
    assert not load.failed
    assert {each.door for each in load.answers} == {"bento", "fastapi"}
    stored = require_each_stored_once(stack, load)
    tell(plan, fault, **{"faults": 2, **counted([load]), **stored, **facts})  # type: ignore[arg-type]


def test_an_update_fails_no_request_and_a_promotion_in_the_middle_of_it_does_not_either(stack: Stack) -> None:
    for repository in REPOSITORIES:
        build("first", repository)
    load = load_on(stack, "update")
    promotion = threading.Timer(PROMOTED_SECONDS, move, args=(stack, 2))

    promotion.start()
    said = update(stack, "--no-build").stdout
    promotion.join()
    wait_for_door(load)

    assert "update: done" in said
    assert {made_of(stack, each) for each in ("bento", "fastapi", "worker", "scheduler", "mlflow")} == {"first"}
    assert {each.version for each in load.answers} == {"1", "2"}
    finished(stack, load, "T3b", "make update of a whole installation, with a promotion in the middle of it")


def test_a_door_that_does_not_start_is_left_out_and_the_update_stops(stack: Stack) -> None:
    build("broken", "bento", more='ENTRYPOINT []\nCMD ["false"]')
    build("second", "serving")
    load = load_on(stack, "broken")

    done = update(stack, "--no-build", check=False)

    assert done.returncode == 1
    assert "bento does not start" in done.stdout
    assert "fastapi serves alone" in done.stdout
    assert "make update BACK=1" in done.stdout
    assert made_of(stack, "fastapi") == "first"
    assert {each.door for each in load.answers[-10:]} == {"fastapi"}

    update(stack, "--back")
    wait_for_door(load)

    assert made_of(stack, "bento") == "first"
    finished(stack, load, "T3b", "make update to an image that does not start, and back")


def test_without_an_image_nothing_is_stopped(stack: Stack) -> None:
    done = stack.run(
        "env", "HOLDFAST_TAG=nowhere", sys.executable, "-m", "deploy.host", "update", "--no-build", check=False
    )

    assert done.returncode == 1
    assert "holdfast/bento:nowhere" in done.stdout
    assert stack.state_of("bento")["Status"] == "running"
