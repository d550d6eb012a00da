"""Words that are executed inside the containers: `churn …` of the pipelines, the databases' own clients."""

from __future__ import annotations  # hosts may have Python 3.9

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from deploy.host.failure import HostError
from deploy.host.services import seen

WORKER = "worker"
PATIENCE_SECONDS = 300.0


def said_in(project: str, service: str, words: Sequence[str], *, seconds: float = PATIENCE_SECONDS) -> str:
    """Execute a command in a service's container, and return what it prints.

    Args:
        project: COMPOSE_PROJECT_NAME.
        service: whose container runs.
        words: the command.
        seconds: it may take.

    Raises:
        HostError: it failed, or there is no such container; its last words are in the message.
    """
    found = seen(project).get(service)
    if found is None or found.status != "running":
        raise HostError(f"{service} does not run: `docker-compose up -d {service}`")
    command = ["docker", "exec", found.id, *words]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        raise HostError(f"`{' '.join(words[:3])} …` in {service} did not end within {seconds:.0f} s") from error
    if done.returncode:
        last = " ".join((done.stderr.strip() or done.stdout.strip()).split())[-500:]
        raise HostError(f"`{' '.join(words[:3])} …` in {service} gave {done.returncode}: {last}")
    return done.stdout


def churn(project: str, *words: str) -> str:
    """Run `churn words…` where the pipelines are, and return what it prints.

    Raises:
        HostError: it failed.
    """
    return said_in(project, WORKER, ("churn", *words))


def churn_json(project: str, *words: str) -> Any:
    """Run `churn words… --json`, and return what it says.

    Raises:
        HostError: it failed, or said no JSON.
    """
    said = churn(project, *words, "--json")
    try:
        return json.loads(said)
    except ValueError as error:
        raise HostError(f"`churn {' '.join(words)} --json` printed no JSON: {said[:200]}") from error


def aliases(project: str) -> dict[str, str]:
    """Return the version that each alias names.

    Raises:
        HostError: it could not be asked.
    """
    return {alias: str(version) for alias, version in churn_json(project, "status")["aliases"].items()}
