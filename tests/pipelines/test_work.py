"""The runner: jobs end as they should, whatever they do and whoever stops it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from churn.errors import ConflictError, StoreError, UsageError
from churn.stores.database import open_database, open_migrated
from churn.stores.job_files import JobFiles, file_within, home_id
from churn.stores.jobs import JobStore
from churn.stores.orders import Claimant, Job, Kind, NewJob
from pipelines import work as working
from pipelines.jobs.stopping import Stopping
from pipelines.jobs.task import Ending, Task
from pipelines.settings import PipelineSettings
from pipelines.work import Runner, patiently
from tests.pipelines.conftest import settings_of

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def settings(tmp_path: Path) -> PipelineSettings:
    return settings_of(tmp_path / "home", job_lease_seconds=0.5)


@pytest.fixture
def store(settings: PipelineSettings) -> JobStore:
    engine = open_migrated(settings.database_url)
    return JobStore(engine)


@pytest.fixture
def queued(store: JobStore) -> Callable[..., Job]:
    def add(number: int = 1, *, kind: Kind = "score", home: str | None = None) -> Job:
        job_id = f"{number:032x}"
        return store.add(
            NewJob(job_id=job_id, kind=kind, model_name="churn", actor="me", parameters={"number": number}, home=home)
        )

    return add


def runner(settings: PipelineSettings, do: Callable[[Task], Ending], stopping: Stopping | None = None) -> Runner:
    return Runner(settings, stopping, kinds={"score": do})


def test_a_job_is_done_and_its_leftovers_go(
    settings: PipelineSettings, queued: Callable[..., Job], store: JobStore, tmp_path: Path
) -> None:
    leftover = tmp_path / "input.csv"
    leftover.touch()
    made = queued()

    runner(settings, lambda _: Ending("well done", {"rows": 3}, (leftover,))).run(until_empty=True)

    found = store.get(made.job_id)
    assert (found.status, found.words, found.result, found.progress) == ("done", "well done", {"rows": 3}, 1.0)
    assert not leftover.exists()


def test_what_a_job_tells_is_seen_while_it_runs(
    settings: PipelineSettings, queued: Callable[..., Job], store: JobStore
) -> None:
    seen, made = [], queued()

    def do(task: Task) -> Ending:
        task.teller.tell("half way", 0.5)
        time.sleep(0.6)
        seen.append(store.get(made.job_id))
        return Ending("done")

    runner(settings, do).run_one()

    assert (seen[0].status, seen[0].words, seen[0].progress) == ("running", "half way", 0.5)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UsageError("there is no file 'x': put it there"), "there is no file 'x': put it there"),
        (ConflictError("'promote:churn' is held by ann"), "'promote:churn' is held by ann"),
        (ValueError("tenure of customer 7590 is bad"), "something unexpected happened (ValueError)"),
    ],
)
def test_a_job_that_fails_says_why_in_a_sentence_without_a_customers_values(
    settings: PipelineSettings, queued: Callable[..., Job], error: Exception, words: str
) -> None:
    queued()

    def do(_: Task) -> Ending:
        raise error

    found = runner(settings, do).run_one()

    assert found is not None
    assert found.status == "failed"
    assert words in found.problem
    assert "7590" not in found.problem
    assert "Traceback" not in found.problem


def test_a_long_silent_job_keeps_its_lease(
    settings: PipelineSettings, queued: Callable[..., Job], store: JobStore
) -> None:
    made = queued()

    def do(_: Task) -> Ending:
        time.sleep(1.5)
        assert JobStore(open_database(settings.database_url), lease_seconds=0.9).claim(who()) is None
        return Ending("done")

    runner(settings, do).run_one()

    assert store.get(made.job_id).status == "done"


def test_a_job_that_another_has_taken_is_left_to_it(
    settings: PipelineSettings, queued: Callable[..., Job], store: JobStore
) -> None:
    made = queued()

    def do(_: Task) -> Ending:
        taken = JobStore(open_database(settings.database_url), lease_seconds=-1).claim(who())
        assert taken is not None
        return Ending("too late")

    runner(settings, do).run_one()

    found = store.get(made.job_id)
    assert (found.status, found.worker, found.words) == ("running", "other", "waiting")


def who() -> Claimant:
    return Claimant("other", "churn", "elsewhere")


def test_a_runner_that_is_asked_to_stop_gives_its_job_back(
    settings: PipelineSettings, queued: Callable[..., Job], store: JobStore
) -> None:
    made, stopping = queued(), Stopping().install()

    def do(_: Task) -> Ending:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
        return Ending("never")

    runner(settings, do, stopping).run()

    found = store.get(made.job_id)
    assert (found.status, found.attempts) == ("queued", 0)


def test_the_last_step_is_made_though_somebody_asks_to_stop(
    settings: PipelineSettings, queued: Callable[..., Job], store: JobStore
) -> None:
    made, stopping = queued(), Stopping().install()

    def do(task: Task) -> Ending:
        task.teller.commit()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.6)
        return Ending("whole")

    runner(settings, do, stopping).run()

    assert (store.get(made.job_id).status, store.get(made.job_id).words) == ("done", "whole")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


DYING = """
import os, signal, sys
from pathlib import Path
from pipelines.jobs.task import Ending, Task
from pipelines.settings import PipelineSettings
from pipelines.work import Runner

def do(task: Task) -> Ending:
    os.kill(os.getpid(), signal.SIGKILL)
    return Ending("never")

Runner(PipelineSettings(home=Path(sys.argv[1]), job_lease_seconds=0.5), kinds={"score": do}).run_one()
"""


def test_the_job_of_a_killed_runner_is_done_by_the_next(
    settings: PipelineSettings, queued: Callable[..., Job], store: JobStore
) -> None:
    made = queued()
    killed = subprocess.run([sys.executable, "-c", DYING, str(settings.home)], cwd=ROOT, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert store.get(made.job_id).status == "running"
    time.sleep(0.6)

    runner(settings, lambda _: Ending("done after all")).run(until_empty=True)

    found = store.get(made.job_id)
    assert (found.status, found.words, found.attempts) == ("done", "done after all", 2)


def test_files_of_jobs_that_ended_long_ago_are_removed_and_no_others(
    settings: PipelineSettings, queued: Callable[..., Job]
) -> None:
    files = JobFiles(settings.job_folder)
    made = [queued(number) for number in (1, 2)]
    for job in made:
        files.folder(job.job_id).mkdir(parents=True)
    (settings.job_folder / "notes").mkdir()
    working_runner = runner(settings, lambda _: Ending("done"))
    working_runner.run_one()

    working_runner.sweep()
    kept = files.ids()
    time.sleep(0.01)
    runner(settings.model_copy(update={"job_days": 1e-9}), lambda _: Ending("done")).sweep()

    assert kept == [job.job_id for job in made]
    assert files.ids() == [made[1].job_id]
    assert (settings.job_folder / "notes").exists()


def test_an_end_is_noted_though_the_database_was_away_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "PATIENCE_SECONDS", (0.0, 0.0))
    tries = []

    def note() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise StoreError("away")

    patiently(note)

    assert len(tries) == 3


def test_a_home_has_one_id_whoever_asks(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: home_id(tmp_path / "new"), range(8)))

    assert len(found) == 1
    assert home_id(tmp_path / "other") not in found
    assert [path.name for path in (tmp_path / "new" / "jobs").iterdir()] == ["home.id"]


def test_homes_that_share_the_folder_of_jobs_are_one_installation(tmp_path: Path) -> None:
    door, worker = tmp_path / "door", tmp_path / "worker"
    (tmp_path / "jobs").mkdir()
    for home in (door, worker):
        home.mkdir()
        (home / "jobs").symlink_to(tmp_path / "jobs")

    assert home_id(door) == home_id(worker)


@pytest.mark.parametrize("job_id", ["..", "../../etc", "0" * 31, "0" * 32 + "\n", ""])
def test_no_id_leads_out_of_the_folder_of_jobs(tmp_path: Path, job_id: str) -> None:
    with pytest.raises(UsageError, match="32 hexadecimal"):
        JobFiles(tmp_path).folder(job_id)


def test_a_file_of_the_folder_of_tables_is_found_and_no_other(tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "mine.csv").touch()
    (tmp_path / "secret.csv").touch()
    (tables / "link.csv").symlink_to(tmp_path / "secret.csv")

    assert file_within(tables, "mine.csv") == (tables / "mine.csv").resolve()
    for name in ("../secret.csv", "link.csv", "absent.csv", str(tmp_path / "secret.csv"), ".", ""):
        with pytest.raises(UsageError, match="there is no file"):
            file_within(tables, name)
