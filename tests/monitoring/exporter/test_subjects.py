"""What the exporter knows of each subject, from a real store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from churn.errors import UsageError
from churn.metrics import EXPORTED
from churn.scoring.prediction import utc_text
from churn.stores.database import open_migrated
from churn.stores.drift import DriftMeasure, DriftRun, DriftStore
from churn.stores.gate_verdicts import GateVerdictStore, NewVerdict
from churn.stores.jobs import JobStore
from churn.stores.orders import NewJob
from churn.stores.performance import PerformanceMeasure, PerformanceRun, PerformanceStore
from churn.stores.predictions import PredictionStore
from churn.stores.retrain_decisions import NewDecision, RetrainDecisionStore
from churn.stores.stage_runs import StageRunLog, noted
from monitoring.exporter import StoreCollector
from monitoring.exporter.held_out import HeldOutMeasures, measures_of
from monitoring.exporter.performances import MOST_VERSIONS
from monitoring.settings import MonitoringSettings
from tests.churn.stores.records import prediction

AT = "2026-11-21T06:00:00.000Z"
DRIFT = DriftRun("churn", 3, AT, AT, AT, rows=500, drifted_share=0.25, is_drifted=True, report="", status="drift")
PERFORMANCE = PerformanceRun(
    model_name="churn", model_version=3, at=AT, window_start=AT, window_end=AT, predictions=2000, labelled=1900,
    unknown=100, waiting=500, contradicted=0, status="degraded", words="", report="",
)  # fmt: skip
AUC = PerformanceMeasure("all", "all", "roc_auc", "observed", value=0.7, low=0.68, high=0.72, rows=1900)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_migrated(f"sqlite:///{tmp_path / 'churn.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def seen(engine: Engine) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(StoreCollector("churn", engine, lambda: 3, lambda _: {"roc_auc": 0.84}))
    return registry


def test_every_metric_of_the_catalogue_is_shown_though_nothing_is_known_of_it(seen: CollectorRegistry) -> None:
    shown = [(family.name, family.type, family.documentation) for family in seen.collect()]

    assert shown == [(metric.name, metric.kind, metric.text) for metric in EXPORTED]


def test_a_window_that_is_too_small_says_so_and_nothing_about_drift(engine: Engine, seen: CollectorRegistry) -> None:
    DriftStore(engine).add(replace(DRIFT, rows=12, is_drifted=False, status="not enough data"), [])

    assert seen.get_sample_value("churn_drift_enough_data") == 0
    assert seen.get_sample_value("churn_drift_window_rows") == 12
    assert seen.get_sample_value("churn_drift_detected") is None
    assert seen.get_sample_value("churn_drift_drifted_share_ratio") is None


def test_what_drift_costs_and_each_method_with_its_threshold_are_shown(engine: Engine, seen: CollectorRegistry) -> None:
    costly = replace(DRIFT, profit_change=-3.5, prediction_drifted=False, unreadable_rows=7, volume_changed=True)
    psi = DriftMeasure("tenure", "psi", 0.4, 0.1, is_drifted=True, is_decisive=True)
    DriftStore(engine).add(costly, [psi, replace(psi, method="jensenshannon", is_drifted=False, is_decisive=False)])

    assert seen.get_sample_value("churn_drift_profit_change") == -3.5
    assert seen.get_sample_value("churn_drift_prediction_detected") == 0
    assert seen.get_sample_value("churn_drift_unreadable_rows") == 7
    assert seen.get_sample_value("churn_drift_volume_changed") == 1
    assert seen.get_sample_value("churn_drift_threshold", {"column": "tenure", "method": "psi"}) == 0.1
    assert seen.get_sample_value("churn_drift_score", {"column": "tenure", "method": "jensenshannon"}) == 0.4
    assert seen.get_sample_value("churn_drift_is_drifted", {"column": "tenure"}) == 1


def test_performance_is_shown_by_version_with_its_interval_its_parts_and_the_held_out_measure(
    engine: Engine, seen: CollectorRegistry
) -> None:
    estimated = replace(AUC, source="estimated", value=0.8, low=None, high=None)
    of_segment = replace(AUC, dimension="segment", part="loyal", value=0.6)
    PerformanceStore(engine).add(PERFORMANCE, [AUC, estimated, of_segment])

    observed = {"version": "3", "measure": "roc_auc", "source": "observed"}
    in_segment = {"version": "3", "dimension": "segment", "part": "loyal", "measure": "roc_auc"}
    assert seen.get_sample_value("churn_performance_value", observed) == 0.7
    assert seen.get_sample_value("churn_performance_low", observed) == 0.68
    assert seen.get_sample_value("churn_performance_high", observed) == 0.72
    assert seen.get_sample_value("churn_performance_value", {**observed, "source": "estimated"}) == 0.8
    assert seen.get_sample_value("churn_performance_low", {**observed, "source": "estimated"}) is None
    assert seen.get_sample_value("churn_performance_part_value", in_segment) == 0.6
    assert seen.get_sample_value("churn_performance_labelled_customers", {"version": "3"}) == 1900
    assert seen.get_sample_value("churn_performance_degraded", {"version": "3"}) == 1
    assert seen.get_sample_value("churn_performance_reference", {"version": "3", "measure": "roc_auc"}) == 0.84


def test_the_reference_that_a_run_used_goes_before_the_registrys(engine: Engine, seen: CollectorRegistry) -> None:
    used = replace(AUC, source="reference", value=0.83)
    PerformanceStore(engine).add(PERFORMANCE, [used])

    assert seen.get_sample_value("churn_performance_reference", {"version": "3", "measure": "roc_auc"}) == 0.83
    found = {sample.labels["source"] for family in seen.collect() for sample in family.samples
             if family.name == "churn_performance_value"}  # fmt: skip
    assert found == set()


def test_a_version_with_too_few_outcomes_is_neither_worse_nor_well(engine: Engine, seen: CollectorRegistry) -> None:
    PerformanceStore(engine).add(replace(PERFORMANCE, status="not enough data"), [])

    assert seen.get_sample_value("churn_performance_degraded", {"version": "3"}) is None


def test_only_the_versions_that_were_looked_at_last_are_shown(engine: Engine, seen: CollectorRegistry) -> None:
    for version in range(1, MOST_VERSIONS + 3):
        PerformanceStore(engine).add(replace(PERFORMANCE, model_version=version, at=f"2026-11-0{version}T06:00Z"), [])

    shown = {
        sample.labels["version"]
        for family in seen.collect()
        for sample in family.samples
        if family.name == "churn_performance_labelled_customers"
    }
    assert shown == {"3", "4", "5", "6", "7"}


def test_money_is_shown_by_segment_and_everybody_is_counted_once(engine: Engine, seen: CollectorRegistry) -> None:
    now = datetime.now(UTC)
    money = {"expected_loss": 100.0, "expected_profit": 10.0}
    PredictionStore(engine).add(
        [
            prediction(1, customer_id="A", segment="loyal", predicted_at=utc_text(now - timedelta(days=2)), **money),
            prediction(2, customer_id="A", segment="loyal", predicted_at=utc_text(now - timedelta(days=1)), **money),
            prediction(3, customer_id="B", segment="loyal", predicted_at=utc_text(now), **money),
            prediction(4, customer_id="C", predicted_at=utc_text(now)),
            prediction(5, customer_id="D", segment="loyal", predicted_at=utc_text(now - timedelta(days=31)), **money),
        ]
    )

    assert seen.get_sample_value("churn_customers", {"segment": "loyal", "risk_level": "HIGH"}) == 2
    assert seen.get_sample_value("churn_customers", {"segment": "", "risk_level": "HIGH"}) == 1
    assert seen.get_sample_value("churn_revenue_at_risk", {"segment": "loyal"}) == 200
    assert seen.get_sample_value("churn_expected_profit", {"segment": "loyal"}) == 20
    assert seen.get_sample_value("churn_predictions_stored_total", {"version": "3"}) == 5
    assert (seen.get_sample_value("churn_customers_counted_timestamp_seconds") or 0) >= now.timestamp()


def test_jobs_are_shown_from_zero(engine: Engine, seen: CollectorRegistry) -> None:
    JobStore(engine).add(NewJob(job_id="job-1", kind="score", model_name="churn", actor="me", parameters={}, home=None))

    assert seen.get_sample_value("churn_jobs", {"kind": "score", "status": "queued"}) == 1
    assert seen.get_sample_value("churn_jobs", {"kind": "retrain", "status": "running"}) == 0
    assert seen.get_sample_value("churn_jobs_ended_total", {"kind": "activate", "status": "failed"}) == 0


def test_runs_of_stages_are_shown_also_while_one_runs(engine: Engine, seen: CollectorRegistry) -> None:
    log = StageRunLog(engine)
    with noted(log, "churn", "drift"):
        pass
    with pytest.raises(UsageError, match="no"), noted(log, "churn", "drift"):
        raise UsageError("no")
    ended = seen.get_sample_value("churn_stage_last_run_seconds", {"stage": "drift"})
    log.begin("churn", "drift")

    assert (ended if ended is not None else -1) >= 0
    assert seen.get_sample_value("churn_stage_last_run_seconds", {"stage": "drift"}) == ended
    assert seen.get_sample_value("churn_stage_failures_total", {"stage": "drift"}) == 1
    assert seen.get_sample_value("churn_stage_failures_total", {"stage": "performance"}) == 0
    last_run = seen.get_sample_value("churn_stage_last_run_timestamp_seconds", {"stage": "drift"})
    last_success = seen.get_sample_value("churn_stage_last_success_timestamp_seconds", {"stage": "drift"})
    assert (last_run or 0) >= (last_success or 0) > 0
    assert seen.get_sample_value("churn_stage_last_success_timestamp_seconds", {"stage": "score"}) is None


def test_decisions_to_retrain_are_shown(engine: Engine, seen: CollectorRegistry) -> None:
    RetrainDecisionStore(engine).add(
        NewDecision(model_name="churn", decision="train", reasons=(), facts={}, data_fingerprint="", actor="a test")
    )

    assert seen.get_sample_value("churn_retrain_decisions_total", {"decision": "train"}) == 1
    assert seen.get_sample_value("churn_retrain_decisions_total", {"decision": "wait"}) == 0
    assert (seen.get_sample_value("churn_retrain_last_decision_timestamp_seconds") or 0) > 0


def test_held_out_measures_are_those_that_the_evaluation_logged() -> None:
    logged = {"holdout_roc_auc": 0.84, "holdout_roc_auc_low": 0.82, "holdout_threshold": 0.3, "cv_roc_auc": 0.85}

    assert measures_of(logged) == {"roc_auc": 0.84}


def test_held_out_measures_come_from_the_versions_run(registry_home: MonitoringSettings) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=registry_home.tracking_uri, registry_uri=registry_home.tracking_uri)
    run = client.create_run("0").info
    client.create_registered_model("judged")
    client.create_model_version("judged", source=f"{run.artifact_uri}/model", run_id=run.run_id)
    found = HeldOutMeasures(registry_home.model_copy(update={"model": "judged"}))
    assert found.of(1) == {}

    client.log_metric(run.run_id, "holdout_roc_auc", 0.84)

    assert found.of(1) == {"roc_auc": 0.84}
    assert found.of(99) == {}


def test_verdicts_are_counted_from_zero_and_the_last_shows_its_interval(
    engine: Engine, seen: CollectorRegistry
) -> None:
    assert seen.get_sample_value("churn_gate_verdicts_total", {"decision": "hold"}) == 0
    assert seen.get_sample_value("churn_gate_profit_difference", {"bound": "value"}) is None

    GateVerdictStore(engine).add(
        NewVerdict(
            model_name="churn", version=4, production_version=3, decision="hold", reasons=("few",), rows=300,
            profit_difference=0.5, profit_low=-1.0, profit_high=2.0, labels_needed=900, actor="a test", report="",
        )
    )  # fmt: skip

    assert seen.get_sample_value("churn_gate_verdicts_total", {"decision": "hold"}) == 1
    shown = [
        seen.get_sample_value("churn_gate_profit_difference", {"bound": bound}) for bound in ("low", "value", "high")
    ]
    assert shown == [-1.0, 0.5, 2.0]
