"""The first model: a table and its contract go to where the pipelines keep theirs, and once round the ring."""

from __future__ import annotations  # hosts may have Python 3.9

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.host.asking import UnansweredError, ask
from deploy.host.compose import compose
from deploy.host.failure import HostError
from deploy.host.services import Service

TABLES = "/var/lib/holdfast/tables"
"""Where a retraining finds them again."""

WRITE = 'umask 027 && mkdir -p "$1" && cat > "$1/.$2.part" && mv "$1/.$2.part" "$1/$2"'
SERVED_SECONDS = 120.0
ENDS = {
    2: "the gate rejected it",
    3: "the gate held it: the numbers above do not suffice to say that it is better",
    137: "it was killed, most likely for want of memory: give `worker` more in docker-compose.yml",
}
"""Exit status of `churn ring` → why nothing was promoted; any other: it was refused, and said why."""


def require_file(path: Path, what: str) -> Path:
    """Return a file's whole path.

    Raises:
        HostError: there is none, or it can't be read.
    """
    try:
        with path.open("rb"):
            return path.resolve()
    except OSError as error:
        raise HostError(f"{what} {path} can't be read: {error.strerror}; nothing was started") from error


def bring(file: Path, worker: Service) -> str:
    """Copy a file to the pipelines and return where it is there; one of the same name is replaced.

    It goes through a pipe: so the copy is the pipelines' own, whoever may read the original.

    Raises:
        HostError: it could not be written.
    """
    command = ["docker", "exec", "-i", worker.id, "sh", "-c", WRITE, "sh", TABLES, file.name]
    with file.open("rb") as content:
        done = subprocess.run(command, stdin=content, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HostError(f"{file} could not be copied to {TABLES}: {done.stderr.strip()}")
    return f"{TABLES}/{file.name}"


def train(table: str, contract: str, options: Sequence[str] = ()) -> None:
    """Go round the ring in a container of its own.

    Args:
        table: where it is for the pipelines.
        contract: likewise.
        options: more words for `churn ring`.

    Raises:
        HostError: nothing was promoted; why is on the terminal.
    """
    words = ("run", "--rm", "-T", "--no-deps", "worker", "ring", "--data", table, "--contract", contract, *options)
    done = compose(*words, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        why = ENDS.get(done.returncode, "the table or its contract was refused")
        raise HostError(f"no model was promoted: {why} (its own words are above); the services stay up")


def served_version(front: str) -> str | None:
    """Return the version that the front's door serves; None when it serves none, or does not answer."""
    try:
        model = ask(f"{front}/api/v1/health").value.get("model")
    except (UnansweredError, AttributeError):
        return None
    return str(model["version"]) if model else None


def await_version(front: str, before: str | None) -> str:
    """Wait until the doors serve a version that was just promoted, and return it.

    Args:
        front: its address.
        before: what was served until now.

    Raises:
        HostError: they do not in time.
    """
    deadline = time.monotonic() + SERVED_SECONDS
    while time.monotonic() < deadline:
        found = served_version(front)
        if found and found != before:
            return found
        time.sleep(1)
    raise HostError(f"the doors do not serve the new version after {SERVED_SECONDS:.0f} s: `docker-compose logs bento`")


def example(front: str) -> Mapping[str, Any]:
    """Return a customer as the served contract describes one.

    Raises:
        UnansweredError: the front does not answer, or no model is served.
    """
    paths = ask(f"{front}/openapi.json").value.get("paths", {})
    try:
        found = paths["/api/v1/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    except (KeyError, TypeError) as error:
        raise UnansweredError(f"{front}/openapi.json has no example of a customer: is a model served?") from error
    return dict(found)


def curl(front: str) -> str:
    """Return the command that asks about the contract's example."""
    customer = json.dumps(example(front)).replace("'", r"'\''")
    return f"curl -s {front}/api/v1/predict -H 'Content-Type: application/json' -d '{customer}'"
