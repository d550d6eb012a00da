"""Fixtures of the tests that need an engine: without one they are skipped."""

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.compose.stack import ROOT, TAG, Stack, has_engine, make_environment, make_stack, start_laboratory

CORE = "core,monitoring,redis"


class MakeStack(Protocol):
    """Make one more stack of this test file; it is removed with its volumes at the file's end."""

    def __call__(self, word: str, *, profiles: str = CORE) -> Stack:
        """Copy the tree and write its `.env`; `stack.make("secrets", "up")` starts it."""


@pytest.fixture(scope="session")
def engine() -> None:
    """An engine that answers; the laboratory beside the repository is started."""
    if not has_engine() and not (start_laboratory() and has_engine()):
        pytest.skip("no docker engine answers")


@pytest.fixture(scope="session")
def images(engine: None) -> str:
    """The images of this tree, built once, and their tag."""
    del engine
    subprocess.run(["make", "images"], cwd=ROOT, env=make_environment(), check=True)
    return TAG


@pytest.fixture(scope="module")
def new_stack(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeStack]:
    """Make stacks; each is removed at the end of the file, whatever happened."""
    del images
    made: list[Stack] = []

    def make(word: str, *, profiles: str = CORE) -> Stack:
        folder = tmp_path_factory.mktemp(f"stack-{word}") / "tree"
        made.append(make_stack(folder, f"test{word}{secrets.token_hex(3)}", profiles=profiles))
        return made[-1]

    yield make
    for one in made:
        one.remove()


@pytest.fixture(scope="session")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 4,000 synthetic customers for `make up DATA=…`; with seed 1 the gate lets a quick training pass."""
    from churn.data.sampler_file import write_sample

    path = tmp_path_factory.mktemp("customers") / "customers.csv"
    write_sample(path, 4000, seed=1)
    return path
