"""`make up` and `make down`: what they ask of docker and compose, and what they say when those refuse."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.host import compose, down, environment, up
from deploy.host.failure import HostError
from deploy.host.first_model import bring, require_file, train
from deploy.host.services import Service

WORKER = Service("worker", "w1", "running", "healthy")


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A `docker` that keeps what it is given on standard input, and a `docker-compose` that notes its words.

    It ends with the number in the file `status`, and the second time with 0.
    """
    status = tmp_path / "status"
    programs = {
        "docker": f'test "$1" = exec || exit 1\nshift 3\ncat >{tmp_path}/kept; echo "$@" >{tmp_path}/words',
        "docker-compose": f'echo "$@" >>{tmp_path}/calls\ncode=$(cat {status})\necho 0 >{status}\nexit $code',
    }
    for name, script in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    status.write_text("0")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    compose.program.cache_clear()
    yield tmp_path
    compose.program.cache_clear()


def test_a_file_goes_through_a_pipe_to_where_a_retraining_finds_it(called: Path, tmp_path: Path) -> None:
    (tmp_path / "my customers.csv").write_text("a,b\n")

    place = bring(tmp_path / "my customers.csv", WORKER)

    assert place == "/var/lib/holdfast/tables/my customers.csv"
    assert (called / "kept").read_text() == "a,b\n"
    assert (called / "words").read_text().endswith("sh /var/lib/holdfast/tables my customers.csv\n")


def test_a_file_that_is_not_there_stops_everything_before_it_begins(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"the table .*gone.csv can't be read: No such file.*nothing was started"):
        require_file(tmp_path / "gone.csv", "the table")


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (1, "the table or its contract was refused"),
        (2, "the gate rejected it"),
        (3, "the gate held it"),
        (137, "memory"),
    ],
)
def test_why_no_model_was_promoted_is_said_by_the_rings_exit_status(status: int, why: str, called: Path) -> None:
    (called / "status").write_text(str(status))

    with pytest.raises(HostError, match=f"no model was promoted: .*{why}"):
        train("/t.csv", "/c.yaml", ["--trials", "1"])

    words = "run --rm -T --no-deps worker ring --data /t.csv --contract /c.yaml --trials 1"
    assert (called / "calls").read_text().strip() == words


def test_compose_is_asked_again_when_a_service_was_slow(called: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "PAUSES_SECONDS", (0.01,))
    (called / "status").write_text("1")

    assert up.start()
    assert (called / "calls").read_text() == "up -d\nup -d\n"


def test_data_is_deleted_only_after_a_yes(called: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "read", lambda: {"COMPOSE_PROJECT_NAME": "mine"})

    with pytest.raises(HostError, match="add --yes"):
        down.run(argparse.Namespace(volumes=True, yes=False))
    assert not (called / "calls").exists(), "nothing was stopped"

    down.run(argparse.Namespace(volumes=True, yes=True))
    down.run(argparse.Namespace(volumes=False, yes=False))
    deleting, keeping = (called / "calls").read_text().splitlines()
    assert deleting.endswith("--profile demo down --volumes")
    assert keeping.endswith("--profile demo down")
