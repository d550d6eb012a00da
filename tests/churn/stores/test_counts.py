"""Rows of each kind, counted on a real database."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from churn.errors import UsageError
from churn.scoring.outcome import Outcome
from churn.stores.counts import CountStore
from churn.stores.database import open_migrated
from churn.stores.jobs import JobStore
from churn.stores.orders import Kind, NewJob
from churn.stores.outcomes import OutcomeStore
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import Move, PromotionLog
from churn.stores.retrain_decisions import Choice, NewDecision, RetrainDecisionStore
from churn.stores.stage_runs import StageRunLog, noted
from tests.churn.stores.records import prediction


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_migrated(f"sqlite:///{tmp_path / 'churn.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def counts(engine: Engine) -> CountStore:
    return CountStore(engine, "churn")


def is_moment(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


def test_predictions_count_by_version_without_shadows(engine: Engine, counts: CountStore) -> None:
    changes = [{}, {}, {"model_version": 4}, {"role": "shadow"}, {"model_name": "other"}]
    PredictionStore(engine).add([prediction(number, **change) for number, change in enumerate(changes)])

    assert counts.predictions() == {("3",): 2, ("4",): 1}


def test_outcomes_count_by_who_left(engine: Engine, counts: CountStore) -> None:
    at = "2026-10-01T00:00:00.000Z"
    OutcomeStore(engine).add(
        [
            Outcome(model_name="churn", customer_id=name, churned=left, observed_at=at, source="a test")
            for name, left in (("A", 1), ("B", 0), ("C", 0))
        ]
    )

    assert counts.outcomes() == {("0",): 2, ("1",): 1}


def test_moves_count_by_action_and_status_and_the_last_done_is_known(engine: Engine, counts: CountStore) -> None:
    moves = PromotionLog(engine)
    moves.finish(moves.prepare(Move("churn", "promote", None, 3, "me"), reason=""), "done")
    moves.finish(moves.prepare(Move("churn", "rollback", 3, 2, "me"), reason=""), "failed")

    done = {("promote", "prepared"): 1, ("promote", "done"): 1}
    assert counts.moves() == {**done, ("rollback", "prepared"): 1, ("rollback", "failed"): 1}
    assert list(counts.last_moves()) == ["promote"]
    assert is_moment(counts.last_moves()["promote"])


def test_jobs_count_by_kind_and_status(engine: Engine, counts: CountStore) -> None:
    kinds: tuple[Kind, ...] = ("score", "score", "retrain")
    for number, kind in enumerate(kinds):
        JobStore(engine).add(
            NewJob(job_id=f"job-{number}", kind=kind, model_name="churn", actor="me", parameters={}, home=None)
        )

    assert counts.jobs() == {("score", "queued"): 2, ("retrain", "queued"): 1}


def test_runs_of_a_stage_are_known_by_their_last_begin_their_last_success_and_their_failures(
    engine: Engine, counts: CountStore
) -> None:
    log = StageRunLog(engine)
    with noted(log, "churn", "drift"):
        pass
    with pytest.raises(UsageError, match="no"), noted(log, "churn", "drift"):
        raise UsageError("no")
    log.begin("churn", "score")

    assert counts.failures() == {("drift",): 1}
    assert sorted(counts.last_runs()) == ["drift", "score"]
    assert list(counts.last_successes()) == ["drift"]
    assert counts.last_successes()["drift"] <= counts.last_runs()["drift"]


def test_decisions_count_by_what_was_chosen(engine: Engine, counts: CountStore) -> None:
    assert counts.last_decision() is None
    choices: tuple[Choice, ...] = ("wait", "wait", "train")
    for choice in choices:
        RetrainDecisionStore(engine).add(
            NewDecision(model_name="churn", decision=choice, reasons=(), facts={}, data_fingerprint="", actor="a test")
        )

    assert counts.decisions() == {("wait",): 2, ("train",): 1}
    assert is_moment(counts.last_decision() or "")
