"""A home in which everything has happened that a board can show, through the stores that the jobs write to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlflow import MlflowClient
from sqlalchemy import Engine

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.scoring.outcome import Outcome
from churn.scoring.prediction import utc_text
from churn.stores.database import open_database, open_migrated
from churn.stores.gate_verdicts import GateVerdictStore, NewVerdict
from churn.stores.jobs import JobStore
from churn.stores.orders import NewJob
from churn.stores.outcomes import OutcomeStore
from churn.stores.performance import PerformanceMeasure, PerformanceRun, PerformanceStore
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import Move, PromotionLog
from churn.stores.registry import DIGEST_TAG, ModelRegistry
from churn.stores.releases import NewRelease, ReleaseStore
from churn.stores.retrain_decisions import NewDecision, RetrainDecisionStore
from churn.stores.stage_runs import StageRunLog, noted
from monitoring.drift import drift
from monitoring.drift_parameters import read_drift_parameters
from monitoring.settings import MonitoringSettings
from tests.bundles import random_columns
from tests.monitoring.homes import home_with_production, predictions_of

MEASURES = {
    "roc_auc": 0.84, "pr_auc": 0.63, "brier": 0.14, "calibration_slope": 0.97, "calibration_error": 0.02,
    "profit": 3.1, "profit_contact_all": 2.2,
}  # fmt: skip


def promoted_home(home: Path, bundle: Path) -> MonitoringSettings:
    """Return a home whose version 1 was promoted a moment ago, and whose version 2 waits."""
    settings = home_with_production(home, bundle)
    engine = open_migrated(settings.database_url)
    moves = PromotionLog(engine)
    moves.finish(moves.prepare(Move("churn", "promote", None, 1, "test"), reason=""), "done")
    engine.dispose()
    client = MlflowClient(tracking_uri=settings.tracking_uri, registry_uri=settings.tracking_uri)
    first = client.get_model_version("churn", "1")
    tags = {DIGEST_TAG: digest_of(bundle)}
    client.create_model_version("churn", source=str(first.source), run_id=first.run_id, tags=tags)
    return settings


def let_everything_happen(settings: MonitoringSettings, bundle: Path, contract: Contract) -> None:
    """Predict, observe, measure, decide, queue, and set a shadow."""
    registry = ModelRegistry(settings.tracking_uri)
    registry.move_alias(registry.version("churn", 2), "shadow")
    engine = open_database(settings.database_url)
    _predict(engine, bundle, contract)
    _measure(engine, settings)
    _decide(engine)
    _release(engine)
    _queue(engine)
    engine.dispose()


def _predict(engine: Engine, bundle: Path, contract: Contract) -> None:
    recorded = [
        replace(
            one,
            segment=("new customers", "old customers", "large families")[number % 3],
            expected_loss=one.probability * 60,
            expected_profit=40 * one.probability - 9,
            priority_score=50.0,
            risk_level=("LOW", "MEDIUM", "HIGH")[number % 5 % 3],
        )
        for number, one in enumerate(predictions_of(bundle, random_columns(contract, 300, seed=1)))
    ]
    earlier = [
        replace(one, prediction_id=f"{one.prediction_id}-{day}", predicted_at=_ago(day))
        for day in (1.5, 2.5, 3.5, 4.5)
        for one in recorded[::2]
    ]
    PredictionStore(engine).add([*recorded, *earlier])
    now = utc_text(datetime.now(UTC))
    OutcomeStore(engine).add(
        [
            Outcome(
                model_name="churn", customer_id=one.customer_id, churned=number % 4 // 3, observed_at=now, source="t"
            )
            for number, one in enumerate(recorded[:100])
        ]
    )


def _ago(days: float) -> str:
    return utc_text(datetime.now(UTC) - timedelta(days=days))


def _measure(engine: Engine, settings: MonitoringSettings) -> None:
    log = StageRunLog(engine)
    with noted(log, "churn", "drift") as account:
        account.words = drift(None, read_drift_parameters(), settings=settings).message
    with noted(log, "churn", "performance"):
        _measure_performance(engine)
    log.end(log.begin("churn", "score"), "failed", "the disk is full")


def _measure_performance(engine: Engine) -> None:
    now, month_ago = datetime.now(UTC), datetime.now(UTC) - timedelta(days=30)
    run = PerformanceRun(
        "churn",
        1,
        utc_text(now),
        utc_text(month_ago),
        utc_text(now),
        900,
        600,
        10,
        5,
        0,
        "not degraded",
        "as before",
        "",
    )
    measures = [
        PerformanceMeasure("all", "all", name, source, part * value, (part - 0.04) * value, (part + 0.04) * value, 600)  # type: ignore[arg-type]
        for name, value in MEASURES.items()
        for source, part in (("observed", 1.0), ("estimated", 1.02), ("reference", 1.03))
    ]
    parts = [
        PerformanceMeasure(dimension, part, name, "observed", value, None, None, 100)
        for dimension, part in (
            ("segment", "new customers"),
            ("segment", "old customers"),
            ("door", "bento"),
            ("week", "2026-W42"),
        )
        for name, value in MEASURES.items()
    ]
    PerformanceStore(engine).add(run, [*measures, *parts])


def _decide(engine: Engine) -> None:
    decisions, log = RetrainDecisionStore(engine), StageRunLog(engine)
    with noted(log, "churn", "retrain"):
        wait = NewDecision(
            model_name="churn", decision="wait", reasons=["no new labels"], facts={}, data_fingerprint="f", actor="t"
        )
        decisions.add(wait)
        decisions.finish(decisions.add(replace(wait, decision="train")), "promoted", version=2)


def _release(engine: Engine) -> None:
    with noted(StageRunLog(engine), "churn", "audit"):
        pass
    verdict = NewVerdict(
        model_name="churn", version=2, production_version=1, decision="hold", reasons=["chance may explain it"],
        rows=900, profit_difference=0.1, profit_low=-0.2, profit_high=0.4, labels_needed=5000, actor="t", report="",
    )  # fmt: skip
    GateVerdictStore(engine).add(verdict)
    releases, wish = ReleaseStore(engine), NewRelease("churn", 2, "shadow", "{}", "t", "better")
    releases.end(releases.begin(wish).id, "held", "chance alone may explain it")
    releases.begin(wish)


def _queue(engine: Engine) -> None:
    """A job that the doors' runner leaves alone, because another home has its files."""
    job = NewJob(job_id="1" * 32, kind="score", model_name="churn", actor="t", parameters={}, home="elsewhere")
    JobStore(engine).add(job)
