"""Runs of scheduled stages, noted on a real database."""

from pathlib import Path

import pytest

from churn.errors import StoreError, UsageError
from churn.stores.database import open_migrated
from churn.stores.stage_runs import StageRunLog, noted, noted_if_possible


@pytest.fixture
def log(tmp_path: Path) -> StageRunLog:
    engine = open_migrated(f"sqlite:///{tmp_path / 'churn.db'}")
    return StageRunLog(engine)


def test_a_run_that_goes_well_is_done_and_keeps_its_words(log: StageRunLog) -> None:
    with noted(log, "churn", "drift") as account:
        (begun,) = log.recent("churn")
        account.words = "nothing drifted"
    (run,) = log.recent("churn", "drift")

    assert (begun.status, begun.finished_at) == ("running", None)
    assert (run.status, run.words) == ("done", "nothing drifted")
    assert run.finished_at is not None
    assert run.finished_at >= run.started_at


def test_a_failure_keeps_a_deliberate_sentence_and_of_others_only_their_kind(log: StageRunLog) -> None:
    with pytest.raises(UsageError), noted(log, "churn", "drift"):
        raise UsageError("no such window")
    with pytest.raises(ValueError, match="7590-VHVEG"), noted(log, "churn", "retrain"):
        raise ValueError("7590-VHVEG")

    assert [(run.stage, run.status, run.words) for run in log.recent("churn")] == [
        ("retrain", "failed", "ValueError"),
        ("drift", "failed", "no such window"),
    ]


def test_other_models_and_stages_are_not_among_the_runs_asked_for(log: StageRunLog) -> None:
    for model, stage in (("churn", "drift"), ("churn", "score"), ("other", "drift")):
        log.end(log.begin(model, stage), "done", "")

    assert [run.stage for run in log.recent("churn", limit=1)] == ["score"]
    assert len(log.recent("churn", "drift")) == 1


def test_a_stage_that_needs_no_store_is_noted_when_there_is_one(log: StageRunLog) -> None:
    with noted_if_possible(lambda: log, "churn", "score") as account:
        account.words = "12 rows"
    with pytest.raises(UsageError), noted_if_possible(lambda: log, "churn", "score"):
        raise UsageError("no such file")

    assert [(run.status, run.words) for run in log.recent("churn")] == [("failed", "no such file"), ("done", "12 rows")]


def test_a_stage_that_needs_no_store_does_its_work_without_one(caplog: pytest.LogCaptureFixture) -> None:
    def away() -> StageRunLog:
        raise StoreError("the database is away")

    with noted_if_possible(away, "churn", "score") as account:
        account.words = "12 rows"

    assert [record.getMessage() for record in caplog.records] == ["stage's run not noted"]


def test_a_store_that_goes_away_meanwhile_stops_no_such_stage(
    log: StageRunLog, caplog: pytest.LogCaptureFixture
) -> None:
    class Leaving(StageRunLog):
        def end(self, run_id: int, status: object, words: str) -> None:
            raise StoreError(f"the database went away with {run_id}, {status}, {words}")

    with noted_if_possible(lambda: Leaving(log._engine), "churn", "score"):
        pass

    assert [record.getMessage() for record in caplog.records] == ["stage's end not noted"]
