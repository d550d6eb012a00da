import subprocess
import sys
import time

import pytest
from sqlalchemy import Engine

from churn.errors import ConflictError, NotFoundError, RefusedError
from churn.stores.jobs import MOST_ATTEMPTS, JobStore
from churn.stores.orders import Claimant, Kind, NewJob
from churn.stores.transactions import writing

ANN, BOB = Claimant("ann", "churn", "here"), Claimant("bob", "churn", "here")


def job(number: int = 1, *, home: str | None = None, model: str = "churn", kind: Kind = "retrain") -> NewJob:
    wanted = {"trials": number}
    return NewJob(job_id=f"{number:032x}", kind=kind, model_name=model, actor="me", parameters=wanted, home=home)


@pytest.fixture
def store(engine: Engine) -> JobStore:
    return JobStore(engine)


@pytest.fixture
def impatient(engine: Engine) -> JobStore:
    """A store that takes a runner for dead at once."""
    return JobStore(engine, lease_seconds=0.0)


def test_a_job_is_taken_once_in_the_order_of_asking(store: JobStore) -> None:
    for number in (1, 2):
        store.add(job(number))
        time.sleep(0.002)

    first, second = store.claim(ANN), store.claim(BOB)

    assert first is not None
    assert second is not None
    assert [first.parameters["trials"], second.parameters["trials"]] == [1, 2]
    assert (first.status, first.worker, first.attempts) == ("running", "ann", 1)
    assert store.claim(ANN) is None


def test_the_same_request_sent_twice_is_one_job(store: JobStore) -> None:
    assert store.add(job()) == store.add(job())
    assert len(store.recent("churn")) == 1


def test_an_id_that_wants_something_else_is_refused(store: JobStore) -> None:
    store.add(job())

    with pytest.raises(RefusedError, match="use a new key"):
        store.add(NewJob(job_id=job().job_id, kind="retrain", model_name="churn", actor="me", parameters={}))


def test_progress_and_the_end_are_seen_by_everybody(store: JobStore) -> None:
    store.add(job())
    mine = store.claim(ANN)
    assert mine is not None

    store.show(mine, progress=0.25, words="trial 1 of 4")
    seen = store.get(mine.job_id)
    store.finish(mine, result={"version": 7}, words="version 7")
    ended = store.get(mine.job_id)

    assert (seen.status, seen.progress, seen.words, seen.has_ended) == ("running", 0.25, "trial 1 of 4", False)
    assert (ended.status, ended.progress, ended.result, ended.has_ended) == ("done", 1.0, {"version": 7}, True)
    assert ended.finished_at is not None


def test_a_job_that_fails_keeps_its_reason_and_is_not_tried_again(store: JobStore) -> None:
    store.add(job())
    mine = store.claim(ANN)
    assert mine is not None
    store.fail(mine, "there is no table \x00")

    assert store.get(mine.job_id).problem == "there is no table  "
    assert store.claim(BOB) is None


def test_a_job_of_a_dead_runner_is_taken_over_and_the_old_one_is_told(store: JobStore, impatient: JobStore) -> None:
    store.add(job())
    old = store.claim(ANN)
    assert old is not None
    assert store.claim(BOB) is None

    new = impatient.claim(BOB)

    assert new is not None
    assert (new.worker, new.attempts) == ("bob", 2)
    with pytest.raises(ConflictError, match="no longer ann's"):
        store.show(old, progress=0.5)
    with pytest.raises(ConflictError, match="no longer ann's"):
        store.finish(old, result={}, words="late")
    store.finish(new, result={}, words="done")


def test_a_runner_that_gives_signs_of_life_keeps_its_job(engine: Engine) -> None:
    store = JobStore(engine, lease_seconds=0.4)
    store.add(job())
    mine = store.claim(ANN)
    assert mine is not None
    for _ in range(5):
        time.sleep(0.15)
        store.show(mine)
        assert store.claim(BOB) is None


def test_a_job_that_kills_its_runners_is_given_up_and_the_next_is_taken(impatient: JobStore) -> None:
    impatient.add(job(1))
    time.sleep(0.002)
    impatient.add(job(2))
    assert [getattr(impatient.claim(ANN), "attempts", None) for _ in range(MOST_ATTEMPTS)] == [1, 2, 3]

    following = impatient.claim(BOB)

    assert following is not None
    assert following.job_id == job(2).job_id
    given_up = impatient.get(job(1).job_id)
    assert (given_up.status, "died 3 times" in given_up.problem) == ("failed", True)


def test_a_job_given_back_has_lost_no_attempt(store: JobStore) -> None:
    store.add(job())
    mine = store.claim(ANN)
    assert mine is not None
    store.release(mine)

    again = store.claim(BOB)

    assert again is not None
    assert again.attempts == 1


def test_a_job_with_files_is_done_where_they_are_and_a_models_job_by_its_own_runner(store: JobStore) -> None:
    store.add(job(1, home="elsewhere"))
    store.add(job(2, model="other"))

    assert not store.is_waiting(ANN)
    assert store.claim(ANN) is None
    assert store.is_waiting(Claimant("far", "churn", "elsewhere"))


def test_an_unknown_job_is_named(store: JobStore) -> None:
    with pytest.raises(NotFoundError, match="there is no job 7"):
        store.get("7")


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"], indirect=True)
def test_who_is_about_to_take_a_job_hides_no_other(store: JobStore, engine: Engine) -> None:
    for number in (1, 2, 3):
        store.add(job(number))

    with writing(engine) as one, writing(engine) as another:
        taken = [store._next(one, ANN), store._next(another, BOB), store._next(another, BOB)]

    assert len({row.job_id for row in taken if row is not None}) == 2


def race(url: str, *, processes: int, rows: int, store: JobStore) -> None:
    for number in range(rows):
        store.add(job(number))
    command = [sys.executable, "-m", "tests.churn.stores.job_race", url]
    runners = [
        subprocess.Popen([*command, f"p{number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    for runner in runners:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
    for runner in runners:
        assert runner.stdin is not None
        runner.stdin.write("go\n")
        runner.stdin.flush()
    took = [runner.communicate(timeout=120)[0].split("\n")[:-1] for runner in runners]

    assert [runner.returncode for runner in runners] == [0] * processes
    assert sorted(name for names in took for name in names) == [job(number).job_id for number in range(rows)]


def test_of_racing_runners_each_gets_other_jobs(engine: Engine, database_url: str, store: JobStore) -> None:
    assert engine.url.render_as_string(hide_password=False) == database_url
    race(database_url, processes=2, rows=20, store=store)


@pytest.mark.slow
def test_of_eight_racing_runners_none_gets_a_job_of_another(engine: Engine, database_url: str, store: JobStore) -> None:
    assert engine.url.render_as_string(hide_password=False) == database_url
    race(database_url, processes=8, rows=200, store=store)
