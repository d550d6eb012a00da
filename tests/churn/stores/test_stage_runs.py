"""Runs of scheduled stages, noted on a real database."""

from pathlib import Path

import pytest

from churn.errors import UsageError
from churn.stores.database import migrate, open_database
from churn.stores.stage_runs import StageRunLog, noted


@pytest.fixture
def log(tmp_path: Path) -> StageRunLog:
    engine = open_database(f"sqlite:///{tmp_path / 'churn.db'}")
    migrate(engine)
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
