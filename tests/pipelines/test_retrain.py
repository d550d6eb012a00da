"""`churn retrain` as a whole: decisions on a home with a version in production, and what is carried out of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml
from sqlalchemy import Engine

from churn.bundle.files import CONTRACT, REFERENCE
from churn.contract.contract import Contract
from churn.contract.reading import load_contract
from churn.data.sampler import sample_telco
from churn.errors import ConflictError, UsageError
from churn.evaluation.gate import Gate
from churn.scoring.outcome import Outcome
from churn.scoring.prediction import Prediction, utc_now, utc_text
from churn.stores.database import open_database, open_migrated
from churn.stores.drift import DriftRun, DriftStore
from churn.stores.leases import hold_lease
from churn.stores.outcomes import OutcomeStore
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import PromotionLog
from churn.stores.registry import ModelRegistry
from churn.stores.retrain_decisions import NewDecision, RetrainDecisionStore
from churn.stores.stage_runs import StageRunLog
from pipelines.evaluate import evaluate
from pipelines.moves import Order
from pipelines.newest import table_of
from pipelines.parameters import FOLDER, read_parameters
from pipelines.promote import promote
from pipelines.register import register
from pipelines.retrain import Wish, retrain
from pipelines.retraining.material import fingerprint_of
from pipelines.retraining.parameters import RetrainParameters
from pipelines.settings import PipelineSettings
from pipelines.tracking import find_training, open_tracking, silent
from tests.pipelines.conftest import Home, copied, settings_of
from tests.tracking import own_tracking

MODEL = "churn"
QUICK = {"trials": 1, "candidates": ("logistic",), "workers": 1, "seed": 1}
FORCED = Wish(forced="new prices", overrides=QUICK)


@pytest.fixture(scope="module")
def rules() -> RetrainParameters:
    few = {"min_new_labels": 100, "min_new_leavers": 10, "min_comparison_rows": 60, "min_comparison_leavers": 8}
    return read_parameters("retrain", RetrainParameters, **few, reference_rows=50)


@pytest.fixture(scope="module")
def in_production(trained_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The small training's version is in production; the tests share its registry, and only read it."""
    with own_tracking():
        home = copied(trained_home, tmp_path_factory.mktemp("production") / "home")
        evaluate(None, settings=home.settings)
        register(None, settings=home.settings)
        promote(None, Order("a test", "the first"), Gate(min_roc_auc=0.5), settings=home.settings)
        yield home


@pytest.fixture
def settings(in_production: Home, tmp_path: Path) -> PipelineSettings:
    """With a churn store of the test's own."""
    found = settings_of(in_production.settings.home, database=f"sqlite:///{tmp_path / 'churn.db'}")
    open_tracking(found)
    return found


@pytest.fixture
def engine(settings: PipelineSettings) -> Engine:
    return open_migrated(settings.database_url)


def tell_live_customers(
    engine: Engine, *, rows: int = 700, days: float = 150, seed: int = 5, is_honest: bool = True
) -> None:
    """Store predictions of version 1 over some time until now, each with its outcome a horizon later."""
    customers, rng = sample_telco(rows, seed=seed, shift=0.5), np.random.default_rng(seed)
    columns = {name: list(values) for name, values in customers.items()}
    left = np.array([text == "Yes" for text in columns["Churn"]])
    moments = [datetime.now(UTC) - timedelta(days=31 + float(ago)) for ago in np.sort(rng.uniform(0, days, rows))]
    if not is_honest:
        rng.shuffle(left)
    names = [name for name in columns if name not in {"customerID", "Churn"}]
    predictions = [
        Prediction(
            prediction_id=f"p-{row}", customer_id=str(columns["customerID"][row]), model_name=MODEL, model_version=1,
            role="production", door="fastapi", inputs={name: str(columns[name][row]) for name in names},
            probability=0.5, threshold=0.5, churn_prediction=1, risk_level="HIGH", predicted_at=utc_text(moment),
        )
        for row, moment in enumerate(moments)
    ]  # fmt: skip
    outcomes = [
        Outcome(
            model_name=MODEL, customer_id=one.customer_id, churned=int(gone), source="a test",
            observed_at=utc_text(moment + timedelta(days=10 if gone else 30)),
        )
        for one, gone, moment in zip(predictions, left, moments, strict=True)
    ]  # fmt: skip
    PredictionStore(engine).add(predictions)
    OutcomeStore(engine).add(outcomes)


def tell_drift(engine: Engine, profit_change: float = -3.0) -> None:
    now = utc_now()
    run = DriftRun(
        model_name=MODEL, model_version=1, at=now, window_start=now, window_end=now, rows=900, drifted_share=0.5,
        is_drifted=True, report="", status="drift", prediction_drifted=False, profit_change=profit_change,
    )  # fmt: skip
    DriftStore(engine).add(run, [])


def test_with_nothing_new_it_waits_and_keeps_why(
    settings: PipelineSettings, engine: Engine, rules: RetrainParameters
) -> None:
    tell_drift(engine)

    found = retrain(Wish(), rules, settings=settings, say=silent)
    kept = RetrainDecisionStore(engine).latest(MODEL)
    (run,) = StageRunLog(engine).recent(MODEL, "retrain")

    assert (found.decision, found.version, found.has_moved) == ("wait", None, False)
    assert kept is not None
    assert (kept.id, kept.reasons, kept.facts) == (found.number, found.reasons, found.facts)
    assert (kept.actor, kept.data_fingerprint) == ("a test", fingerprint_of(find_training(settings, None)))
    assert "the data is that of the newest training" in kept.reasons[0]
    assert (run.status, run.words) == ("done", found.words)


def test_new_labels_that_nothing_calls_for_are_left_until_something_does(
    settings: PipelineSettings, engine: Engine, rules: RetrainParameters
) -> None:
    tell_live_customers(engine)

    calm = retrain(Wish(is_dry_run=True), rules, settings=settings, say=silent)
    tell_drift(engine, profit_change=-0.1)
    cheap = retrain(Wish(is_dry_run=True), rules, settings=settings, say=silent)
    tell_drift(engine, profit_change=-3.0)
    due = retrain(Wish(is_dry_run=True), rules, settings=settings, say=silent)

    assert (calm.decision, cheap.decision, due.decision) == ("wait", "wait", "train")
    assert due.reasons == ("customers have drifted, which changes the expected profit of each by -3.00",)
    assert due.facts["new_labels"]["rows"] == 700  # type: ignore[index]
    assert due.facts["comparison"]["rows"] >= 60  # type: ignore[index]
    assert due.facts["compared_from"]
    assert RetrainDecisionStore(engine).latest(MODEL) is None, "a dry run is not kept"


def test_too_few_labels_are_waited_for(settings: PipelineSettings, engine: Engine, rules: RetrainParameters) -> None:
    tell_live_customers(engine, rows=60)
    tell_drift(engine)

    found = retrain(Wish(), rules, settings=settings, say=silent)

    assert found.decision == "wait"
    assert "60 customers with a new outcome" in found.reasons[0]
    assert found.reasons[-1].startswith("it would be due")


def test_while_one_is_at_work_the_other_says_whose_it_is(
    settings: PipelineSettings, engine: Engine, rules: RetrainParameters
) -> None:
    with (
        hold_lease(engine, f"retrain:{MODEL}", owner="somebody else", seconds=60),
        pytest.raises(ConflictError, match="held by somebody else"),
    ):
        retrain(Wish(), rules, settings=settings, say=silent)

    assert StageRunLog(engine).recent(MODEL) == [], "it was no run of the stage"
    assert retrain(Wish(), rules, settings=settings, say=silent).decision == "wait"


def test_an_attempt_that_fails_is_noted_with_its_sentence_and_the_next_one_waits(
    settings: PipelineSettings, engine: Engine, rules: RetrainParameters
) -> None:
    tell_live_customers(engine)
    tell_drift(engine)

    with pytest.raises(UsageError, match="no candidate no_such_thing"):
        retrain(Wish(overrides={"candidates": ("no_such_thing",)}), rules, settings=settings, say=silent)
    failed = RetrainDecisionStore(engine).latest(MODEL, "train")
    after = retrain(Wish(), rules, settings=settings, say=silent)

    assert failed is not None
    assert failed.outcome.startswith("failed: the parameters of train do not hold")
    assert after.decision == "wait"
    assert "the last 1 attempts failed" in after.reasons[0]
    assert not list(settings.data_folder.rglob("retrain/*.parquet"))


def begun(store: RetrainDecisionStore, fingerprint: str) -> int:
    decision = NewDecision(
        model_name=MODEL, decision="train", reasons=("age",), facts={}, data_fingerprint=fingerprint, actor="a test"
    )
    return store.add(decision)


def test_an_attempt_whose_process_died_before_its_training_ended_has_failed(
    settings: PipelineSettings, engine: Engine, rules: RetrainParameters
) -> None:
    store = RetrainDecisionStore(engine)
    begun(store, "of data that nobody trained on")

    found = retrain(Wish(), rules, settings=settings, say=silent)
    failed = store.latest(MODEL, "train")

    assert failed is not None
    assert failed.outcome == "failed: its process ended before its training did"
    assert found.decision == "wait"


def test_an_attempt_whose_process_died_after_the_promotion_is_noted_as_done(
    settings: PipelineSettings, engine: Engine, rules: RetrainParameters
) -> None:
    store = RetrainDecisionStore(engine)
    number = begun(store, fingerprint_of(find_training(settings, None)))

    found = retrain(Wish(), rules, settings=settings, say=silent)

    assert (found.number, found.version, found.has_moved) == (number, 1, True)
    assert found.outcome == "promoted: version 1 is in production"
    assert PromotionLog(engine).history(MODEL) == []


def test_an_attempt_whose_process_died_after_its_training_is_gone_on_with(home: Home, rules: RetrainParameters) -> None:
    engine = open_migrated(home.settings.database_url)
    number = begun(RetrainDecisionStore(engine), fingerprint_of(find_training(home.settings, None)))

    found = retrain(Wish(), rules, settings=home.settings, say=silent)
    production = ModelRegistry(home.settings.tracking_uri).production(MODEL)

    assert (found.number, found.version, found.has_moved) == (number, 1, True)
    assert production is not None
    assert production.run_id == home.trained.run_id


def test_the_table_of_the_newest_training_is_no_new_one(
    settings: PipelineSettings, engine: Engine, rules: RetrainParameters, tmp_path: Path
) -> None:
    same, other = table_of(find_training(settings, None)), tmp_path / "other.csv"
    other.write_bytes(same.read_bytes() + b"\n")
    tell_drift(engine)

    old = retrain(Wish(data=same), rules, settings=settings, say=silent)
    new = retrain(Wish(data=other, is_dry_run=True), rules, settings=settings, say=silent)

    assert old.decision == "wait"
    assert "the data is that of the newest training" in old.reasons[0]
    assert new.decision == "train"
    with pytest.raises(UsageError, match="there is no file"):
        retrain(Wish(data=tmp_path / "none.csv"), rules, settings=settings, say=silent)


def test_without_anything_in_production_it_waits_and_says_what_to_do(tmp_path: Path, rules: RetrainParameters) -> None:
    found = retrain(FORCED, rules, settings=settings_of(tmp_path / "home"), say=silent)

    assert found.decision == "wait"
    assert "nothing is in production: `churn ring`" in found.reasons[0]


def test_outcomes_mean_the_same_for_performance_and_for_retraining() -> None:
    of_performance = Path(FOLDER).parent.parent / "monitoring" / "parameters" / "performance.yaml"
    known = yaml.safe_load(of_performance.read_text(encoding="utf-8"))
    ours = read_parameters("retrain", RetrainParameters)

    assert (ours.silence, ours.delay_days) == (known["silence"], known["delay_days"])


@pytest.mark.slow
def test_drift_leads_to_a_version_that_few_customers_hold_and_once_it_is_promoted_there_is_nothing_new(
    in_production: Home, rules: RetrainParameters, tmp_path: Path, telco: Contract
) -> None:
    home = copied(in_production, tmp_path / "home")
    settings = home.settings
    engine = open_database(settings.database_url)
    tell_live_customers(engine)
    tell_drift(engine)

    found = retrain(Wish(overrides=QUICK), rules, settings=settings, say=silent)
    kept = RetrainDecisionStore(engine).latest(MODEL)

    assert (found.decision, found.version, found.has_moved) == ("train", 2, False), found.words
    assert kept is not None
    assert (kept.version, kept.outcome) == (2, found.outcome)
    assert kept.outcome.startswith("held: version 2: there are only ")
    assert "100 are needed, 20 of each kind" in kept.outcome
    assert promote(2, Order("a test", "I answer for it", is_override=True), Gate(), settings=settings).has_moved
    _is_made_of_live_customers(settings, telco, str(found.facts["compared_from"]))
    after = retrain(FORCED, rules, settings=settings, say=silent)
    assert "the data is that of the newest training" in after.reasons[0]


def _is_made_of_live_customers(settings: PipelineSettings, telco: Contract, cut: str) -> None:
    """What is held out and what is the reference of the version in production."""
    from pipelines.holdout import read_holdout
    from pipelines.registered import load_registered

    registry = ModelRegistry(settings.tracking_uri)
    production = registry.production(MODEL)
    assert production is not None
    holdout = read_holdout(find_training(settings, production.run_id))
    folder = registry.fetch_bundle(production, settings.bundle_folder / production.digest)
    import pandas as pd

    assert all(str(one).startswith("p-") for one in holdout.ids)
    assert len(holdout.ids) >= 60
    assert cut
    assert 50 <= len(pd.read_parquet(folder / REFERENCE)) < 700
    assert load_contract(folder / CONTRACT).columns == telco.columns
    assert load_registered(production, registry, settings).version == 2


@pytest.mark.slow
def test_what_the_gate_refuses_is_kept_with_its_reasons_and_production_stays(
    in_production: Home, rules: RetrainParameters, tmp_path: Path
) -> None:
    home = copied(in_production, tmp_path / "home")
    engine = open_database(home.settings.database_url)
    tell_live_customers(engine, rows=1000, is_honest=False)
    enough = rules.model_copy(update={"min_comparison_rows": 120})

    found = retrain(FORCED, enough, settings=home.settings, say=silent)
    kept = RetrainDecisionStore(engine).latest(MODEL)
    production = ModelRegistry(home.settings.tracking_uri).production(MODEL)

    assert (found.version, found.has_moved) == (2, False)
    assert kept is not None
    assert kept.outcome.startswith("refused: version 2: ")
    assert "the floor 0.7000" in kept.outcome
    assert production is not None
    assert production.version == 1
    again = retrain(FORCED, rules, settings=home.settings, say=silent)
    assert again.decision == "wait"
