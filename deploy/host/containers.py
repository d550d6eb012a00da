"""Containers of this installation, as the engine sees them: what they are made of, and how they fare."""

from __future__ import annotations  # hosts may have Python 3.9

import json
import subprocess
from typing import Any, NamedTuple

from deploy.host import environment
from deploy.host.failure import HostError

RESTARTS = 2
"""So many may be a neighbour's fault."""


class Container(NamedTuple):
    """One container.

    Attributes:
        image: the name it was made by, such as holdfast/bento:local.
        image_id: what that name meant then.
        status: running, paused, restarting, exited, …
        health: healthy, unhealthy or starting; empty when it has no check.
    """

    id: str
    image: str
    image_id: str
    status: str
    health: str
    restarts: int
    exit_status: int

    @property
    def is_well(self) -> bool:
        """It runs, and its check, if it has one, succeeds."""
        return self.status == "running" and self.health in {"", "healthy"}

    @property
    def is_lost(self) -> bool:
        """It ended, or ends and is started over and over: waiting does not help."""
        return self.status in {"exited", "dead"} or self.restarts > RESTARTS


def ids(project: str, service: str = "") -> list[str]:
    """Return a project's containers, running or not; those of `docker-compose run` are left out.

    The engine is asked, because the two forms of compose answer `ps -q` differently for a container that has ended.
    """
    labels = [f"com.docker.compose.project={project}", "com.docker.compose.oneoff=False"]
    labels += [f"com.docker.compose.service={service}"] if service else []
    return docker("ps", "-aq", *(word for label in labels for word in ("--filter", f"label={label}"))).split()


def container_of(service: str) -> str | None:
    """Return the id of a service's container in this installation; None when it has none."""
    found = ids(environment.read()["COMPOSE_PROJECT_NAME"], service)
    return found[0] if found else None


def container(service: str) -> Container | None:
    """Return a service's container; None when it has none."""
    found = container_of(service)
    return _inspected(found) if found else None


def docker(*words: str) -> str:
    """Return what a command of docker prints.

    Raises:
        HostError: it failed; its last words are in the message.
    """
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise HostError(f"`docker {' '.join(words)}` failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _inspected(found: str) -> Container:
    told: dict[str, Any] = json.loads(docker("inspect", found))[0]
    state = told["State"]
    return Container(
        id=found,
        image=told["Config"]["Image"],
        image_id=told["Image"],
        status=state["Status"],
        health=state.get("Health", {}).get("Status", ""),
        restarts=told["RestartCount"],
        exit_status=state["ExitCode"],
    )
