"""Several machines on one study: real processes, a real PostgreSQL, and `kill -9`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from pipelines.search import storage_of
from pipelines.search.tickets import TICKET, WORKER, is_held
from tests.pipelines import search_machine
from tests.postgres import Postgres, postgres

__all__ = ["postgres"]

PATIENCE_SECONDS = 240
TRIALS = 24

Begin = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    machines: list[subprocess.Popen[bytes]] = []

    def start(storage: str, name: str, *, workers: int) -> "subprocess.Popen[bytes]":
        words = [storage, str(TRIALS), str(workers), str(tmp_path / name)]
        command = [sys.executable, "-m", search_machine.__name__, *words]
        machines.append(subprocess.Popen(command, cwd=search_machine.ROOT))
        return machines[-1]

    yield start
    for machine in machines:
        machine.kill()
        machine.wait()


def trials_in(storage: str) -> list[FrozenTrial]:
    opened = RDBStorage(storage)
    try:
        return [one for study in opened.get_all_studies() for one in opened.get_all_trials(study._study_id)]
    finally:
        opened.remove_session()
        opened.engine.dispose()


def child_at_work(storage: str, first: "subprocess.Popen[bytes]", other: "subprocess.Popen[bytes]") -> int:
    """Wait until both machines are at a trial, and return the process of the first that is at one now."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        trials = trials_in(storage)
        at_work = running_by_children(trials, first)
        if at_work and running_by_children(trials, other):
            return at_work[0]
        assert time.monotonic() < deadline, "the machines do not get on"
        time.sleep(0.2)


def finished(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    return [one for one in trials if one.state in {TrialState.COMPLETE, TrialState.PRUNED}]


def running_by_children(trials: list[FrozenTrial], machine: "subprocess.Popen[bytes]") -> list[int]:
    running = [one for one in trials if one.state is TrialState.RUNNING and f"-{machine.pid}-" in _worker(one)]
    return [int(_worker(one).rpartition("/")[2]) for one in running]


def _worker(trial: FrozenTrial) -> str:
    return str(trial.user_attrs.get(WORKER, ""))


@pytest.mark.slow
@pytest.mark.filterwarnings(f"ignore::{ExperimentalWarning.__module__}.{ExperimentalWarning.__name__}")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_machines_share_a_search_and_killed_ones_lose_nothing(
    kind: str, begin: Begin, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    if kind == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        storage = server.create("optuna_machines")
    storage_of(storage)

    first, doomed = begin(storage, "first", workers=2), begin(storage, "doomed", workers=2)
    os.kill(child_at_work(storage, first, doomed), signal.SIGKILL)
    os.kill(doomed.pid, signal.SIGKILL)
    late = begin(storage, "late", workers=1)

    assert first.wait(PATIENCE_SECONDS) == 0
    assert late.wait(PATIENCE_SECONDS) == 0
    trials = trials_in(storage)
    assert sorted(one.user_attrs[TICKET] for one in trials if is_held(one)) == list(range(TRIALS))
    assert len(finished(trials)) == TRIALS
    assert json.loads((tmp_path / "first").read_text()) == json.loads((tmp_path / "late").read_text())
    tried_again = [one for one in trials if one.system_attrs.get("retry_history")]
    assert tried_again
