"""The doors, made anew one at a time, while the other one answers."""

from __future__ import annotations  # hosts may have Python 3.9

import json
import subprocess
import time
from collections.abc import Callable

from deploy.host.asking import UnansweredError, ask
from deploy.host.compose import compose
from deploy.host.containers import Container, container
from deploy.host.failure import HostError

PORTS = {"bento": 3000, "fastapi": 8000}
PAUSE_SECONDS = 1.0
FRONT_SECONDS = 60.0
"""The front leaves a door alone for 5 s after it failed; a wrong answer of it is seen long before this."""

HEALTH = "/api/v1/health"
ASK = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:{port}{path}', timeout=5).read().decode())"


def replace(door: str, front: str, *, seconds: float) -> None:
    """Make one door anew, and wait until it serves what the other one serves and the front asks it again.

    Args:
        door: bento or fastapi.
        front: address of the front.
        seconds: how long it may take to become ready.

    Raises:
        HostError: the other door does not serve, or this one did not become ready. Then it is stopped.
    """
    (other,) = set(PORTS) - {door}
    require_serving(other)
    compose("stop", door)
    compose("rm", "-f", door)
    try:
        compose("up", "-d", "--no-deps", door)
        wait_until_serving(door, other, seconds=seconds)
    except HostError as error:
        compose("logs", "--tail", "30", door, check=False)
        compose("stop", door, check=False)  # one that answers without a model would be asked, and answer 503
        raise HostError(
            f"{error}. What it said is above.\n{door} is stopped, and {other} serves alone: mend it and "
            "`make update` again, or go back with `make update BACK=1`"
        ) from error
    if door == "bento":
        _wait(lambda: door_behind(front) == door, "the front asks bento again", seconds=FRONT_SECONDS)


def broken_first() -> list[str]:
    """Return the doors in the order in which they can be made anew: one that does not serve comes first."""
    return sorted(PORTS, key=lambda door: version_at(door) is not None)


def require_serving(door: str) -> None:
    """See that a door has a model.

    Raises:
        HostError: it has none, or does not answer.
    """
    if version_at(door) is None:
        raise HostError(
            f"{door} does not serve: without it nobody would answer while the other door is made anew. "
            f"`docker compose logs {door}` says why; `make up` starts it"
        )


def wait_until_serving(door: str, other: str, *, seconds: float) -> None:
    """Wait until a door is healthy and serves the version that the other one serves.

    Raises:
        HostError: it ended, or it took too long.
    """

    def is_serving() -> bool:
        found = container(door)
        if found is None or found.is_lost:
            raise HostError(f"{door} does not start: {_words_of(found)}")
        return found.is_well and version_at(door) in {version_at(other)} - {None}

    _wait(is_serving, f"{door} serves the version of {other}", seconds=seconds)


def version_at(door: str) -> str | None:
    """Return the version that a door serves, asked in its own container; None: none, or it does not answer."""
    command = ("exec", "-T", door, "python", "-c", ASK.format(port=PORTS[door], path=HEALTH))
    done = compose(*command, check=False, capture_output=True, stdin=subprocess.DEVNULL)
    return _version_in(done.stdout) if not done.returncode else None


def door_behind(front: str) -> str:
    """Return which door the front asks now; empty when it reaches none."""
    try:
        return str(ask(f"{front}{HEALTH}", seconds=5).value["door"])
    except (UnansweredError, KeyError, TypeError):
        return ""


def _version_in(health: str) -> str | None:
    model = json.loads(health).get("model")
    return str(model["version"]) if model else None


def _words_of(found: Container | None) -> str:
    if found is None:
        return "it has no container"
    return (
        f"its container is {found.status}, was started {found.restarts + 1} times, last exit status {found.exit_status}"
    )


def _wait(is_so: Callable[[], bool], what: str, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise HostError(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(PAUSE_SECONDS)
