"""Real programs on free ports: the doors, the exporter, Prometheus."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.postgres import CiSettings


def require(program: str, package: str) -> str:
    """Find a program; without it the test is skipped, but never in CI."""
    found = shutil.which(program)
    if found is None:
        if CiSettings().ci:
            pytest.fail(f"nothing is skipped in CI for want of a server: apt-get install {package}")
        pytest.skip(f"{program} is not installed: apt-get install {package}")
    return found


@contextmanager
def running(command: list[str], *, log: Path, environment: dict[str, str] | None = None) -> Iterator[None]:
    """Run a program in a process group of its own; all of it is gone afterwards."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, cwd=log.parent, start_new_session=True,
            env={**os.environ, **(environment or {})},  # noqa: TID251  the program's own environment
        )  # fmt: skip
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=5)


def churn(*arguments: str) -> list[str]:
    """Return the command line of `churn` in this environment."""
    return [str(Path(sys.executable).parent / "churn"), *arguments]


def wait_until(is_done: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.1)
