"""Docker Compose, whichever of its two forms this host has."""

from __future__ import annotations  # hosts may have Python 3.9

import functools
import shutil
import subprocess
from typing import Any

from deploy.host.environment import ROOT
from deploy.host.failure import HostError


@functools.cache
def program() -> tuple[str, ...]:
    """Return `docker compose` when it is there, else `docker-compose`.

    Raises:
        HostError: neither is, or the engine does not answer.
    """
    if shutil.which("docker") is None:
        raise HostError("docker is not installed")
    if _succeeds("docker", "compose", "version"):
        return "docker", "compose"
    if shutil.which("docker-compose"):
        return ("docker-compose",)
    raise HostError("there is neither `docker compose` nor `docker-compose`: install one of them")


def compose(*words: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command of compose in the project's root, its output on the terminal.

    Raises:
        HostError: it failed, and `check` was not False.
    """
    command = [*program(), *words]
    done: subprocess.CompletedProcess[str] = subprocess.run(command, cwd=ROOT, text=True, check=False, **options)
    if check and done.returncode:
        raise HostError(f"`{' '.join(command)}` failed with exit status {done.returncode}: what it said is above")
    return done


def answer_of(*words: str) -> str:
    """Return what a command of compose prints.

    Raises:
        HostError: it failed; its last words are in the message.
    """
    done = compose(*words, check=False, capture_output=True)
    if done.returncode:
        raise HostError(f"`{' '.join([*program(), *words])}` failed: {done.stderr.strip()[-2000:]}")
    return str(done.stdout)


def _succeeds(*command: str) -> bool:
    return not subprocess.run(command, capture_output=True, check=False).returncode
