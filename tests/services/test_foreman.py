import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from churn.stores.job_files import home_id
from churn.stores.jobs import JobStore
from churn.stores.orders import NewJob
from services import foreman as watching
from services.foreman import Foreman
from services.settings import ServiceSettings
from tests.faults.doors import wait_until
from tests.services.api.staff import engine

__all__ = ["engine"]

QUEUED = {"kind": "activate", "model_name": "churn", "actor": "me", "parameters": {}}


@pytest.fixture
def store(engine: object) -> JobStore:
    return JobStore(engine)  # type: ignore[arg-type]


@pytest.fixture
def foreman_of(settings: ServiceSettings) -> Iterator[Callable[[str], Foreman]]:
    """Foremen whose runner is a program of the test's own."""
    made: list[Foreman] = []

    def make(program: str) -> Foreman:
        made.append(Foreman(settings, (sys.executable, "-c", program)))
        return made[-1]

    yield make
    for each in made:
        each.end()


def queue(store: JobStore, settings: ServiceSettings) -> None:
    store.add(NewJob(job_id="1" * 32, home=home_id(settings.home), **QUEUED))  # type: ignore[arg-type]


def runner_of(foreman: Foreman) -> psutil.Process | None:
    return psutil.Process(foreman._child.pid) if foreman._child is not None else None


def test_a_runner_is_started_when_a_job_waits_and_only_one(
    settings: ServiceSettings, store: JobStore, foreman_of: Callable[[str], Foreman]
) -> None:
    foreman = foreman_of("input()")
    foreman.look()
    assert runner_of(foreman) is None
    queue(store, settings)

    foreman.look()
    first = runner_of(foreman)
    foreman.look()

    assert first is not None
    assert runner_of(foreman) == first
    assert foreman.problem == ""


def test_a_runner_that_fails_is_told_of_and_not_started_in_a_loop(
    settings: ServiceSettings, store: JobStore, foreman_of: Callable[[str], Foreman]
) -> None:
    foreman = foreman_of("raise SystemExit('no such database')")
    queue(store, settings)
    foreman.look()
    wait_until(lambda: (foreman.look(), foreman.problem)[1], "the runner failed")

    foreman.look()

    assert runner_of(foreman) is None
    assert f"status 1: {settings.work_log}" in foreman.problem
    assert "no such database" in settings.work_log.read_text()


def test_the_problem_is_over_when_the_jobs_are(
    settings: ServiceSettings, store: JobStore, foreman_of: Callable[[str], Foreman]
) -> None:
    foreman = foreman_of("raise SystemExit(1)")
    queue(store, settings)
    foreman.look()
    wait_until(lambda: (foreman.look(), foreman.problem)[1], "the runner failed")
    store.claim(watching.Claimant("somebody", "churn", home_id(settings.home)))

    foreman.look()

    assert foreman.problem == ""


def test_without_the_libraries_that_train_jobs_wait_and_health_can_say_why(
    settings: ServiceSettings,
    store: JobStore,
    foreman_of: Callable[[str], Foreman],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "NEEDED", ("cli", "no_such_library"))
    foreman = foreman_of("input()")
    queue(store, settings)

    foreman.look()

    assert runner_of(foreman) is None
    assert "lacks no_such_library. Run `churn work`" in foreman.problem
    assert store.get("1" * 32).status == "queued"


def with_a_child(file: Path) -> str:
    """A runner that starts a process, notes its number, and waits."""
    start = "import subprocess; p = subprocess.Popen(['sleep', '100']); "
    return f"{start}open({str(file)!r}, 'w').write(str(p.pid)); input()"


def test_a_runner_ends_with_the_attendant_and_what_it_started_too(
    settings: ServiceSettings, store: JobStore, foreman_of: Callable[[str], Foreman], tmp_path: Path
) -> None:
    foreman = foreman_of(with_a_child(tmp_path / "pid"))
    queue(store, settings)
    foreman.look()
    wait_until((tmp_path / "pid").exists, "the runner is up")
    time.sleep(0.2)
    grandchild = int((tmp_path / "pid").read_text())

    foreman.end()

    wait_until(lambda: not _is_running(grandchild), "the grandchild is gone")


def test_a_killed_runner_leaves_nothing_behind_and_another_is_started(
    settings: ServiceSettings, store: JobStore, foreman_of: Callable[[str], Foreman], tmp_path: Path
) -> None:
    foreman = foreman_of(with_a_child(tmp_path / "pid"))
    queue(store, settings)
    foreman.look()
    wait_until((tmp_path / "pid").exists, "the runner is up")
    time.sleep(0.2)
    grandchild, runner = int((tmp_path / "pid").read_text()), runner_of(foreman)
    assert runner is not None
    runner.kill()
    wait_until(lambda: (foreman.look(), foreman.problem)[1], "its end is noticed")

    wait_until(lambda: not _is_running(grandchild), "the grandchild is gone")
    assert "status -9" in foreman.problem


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
