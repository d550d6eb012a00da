"""The gate's stage: which rows it judges on, what it keeps, and what an error in it comes to."""

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from churn.data.sampler import sample_telco
from churn.errors import StoreError
from churn.evaluation.gate import Gate, Verdict
from churn.scoring.outcome import Outcome
from churn.scoring.prediction import Prediction, utc_text
from churn.stores.database import open_database
from churn.stores.gate_verdicts import GateVerdict, GateVerdictStore
from churn.stores.outcomes import OutcomeStore
from churn.stores.predictions import PredictionStore
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.evaluate import evaluate
from pipelines.gate import Judged, judge_version
from pipelines.gating.limits import Limits
from pipelines.gating.words import lines_of
from pipelines.register import note_registered, register
from pipelines.seen import SEEN, Named
from pipelines.tracking import find_training
from pipelines.training_log import HOLDOUT
from tests.pipelines.conftest import Home, copied
from tests.tracking import own_tracking

GATE = Gate(min_roc_auc=0.6)


@pytest.fixture(scope="module")
def equals(trained_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The same bundle as versions 1 and 2; read only: `arena` is a copy to write in."""
    with own_tracking():
        home = copied(trained_home, tmp_path_factory.mktemp("equals") / "home")
        evaluate(None, settings=home.settings)
        first = register(None, settings=home.settings)
        uri = find_training(home.settings, first.run_id).data.tags["model_uri"]
        registry = ModelRegistry(home.settings.tracking_uri)
        again = registry.register("churn", uri, run_id=first.run_id, digest=first.digest, tags={})
        note_registered(again, "a test", "the same once more", settings=home.settings)
    return home


@pytest.fixture
def arena(equals: Home, tmp_path: Path) -> Home:
    return copied(equals, tmp_path / "arena")


@pytest.fixture
def versions(arena: Home) -> tuple[RegisteredBundle, RegisteredBundle]:
    registry = ModelRegistry(arena.settings.tracking_uri)
    return registry.version("churn", 1), registry.version("churn", 2)


def judged(home: Home, *, gate: Gate = GATE, limits: Limits | None = None, alone: bool = False) -> Judged:
    """Judge version 2 beside version 1."""
    registry = ModelRegistry(home.settings.tracking_uri)
    production = None if alone else registry.version("churn", 1)
    candidate = registry.version("churn", 2)
    return judge_version(candidate, production, gate, settings=home.settings, actor="a judge", limits=limits)


def kept(home: Home) -> GateVerdict:
    found = GateVerdictStore(open_database(home.settings.database_url)).latest("churn")
    assert found is not None
    return found


def artifact(home: Home, name: str) -> Path:
    return Path(str(find_training(home.settings, None).info.artifact_uri).removeprefix("file://")) / name


def guard_of(verdict: Verdict, name: str) -> str:
    return next(f"{one.outcome}: {one.words}" for one in verdict.guards if one.name == name)


def test_an_equal_version_is_held_and_everything_is_kept_with_it(arena: Home) -> None:
    found = judged(arena)

    assert found.verdict.decision == "hold"
    assert "both contact the same customers" in found.verdict.reasons[0]
    assert found.verdict.profit is not None
    assert found.verdict.profit.difference == 0
    rows, folder = found.verdict.rows, Path(found.report.removeprefix("file://"))
    assert "whom the candidate's training held out, and production's did not see" in guard_of(found.verdict, "rows")
    assert sorted(one.name for one in folder.iterdir()) == ["profit.png", "rows.parquet", "verdict.json", "verdict.md"]
    table = pd.read_parquet(folder / "rows.parquet")
    assert len(table) == rows == 187
    assert not set(table["customer"]) & set(arena.ingested.customers.ids)
    assert np.array_equal(table["candidate_probability"], table["production_probability"])
    facts = json.loads((folder / "verdict.json").read_text())
    assert (facts["decision"], facts["version"], facts["production"], facts["actor"]) == ("hold", 2, 1, "a judge")
    assert (facts["gate"]["min_roc_auc"], facts["limits"]["min_rows"]) == (0.6, 100)
    assert "HOLD" in (folder / "verdict.md").read_text()


def test_a_verdict_is_a_row_in_the_store_and_tags_of_the_version(arena: Home) -> None:
    found = judged(arena)
    row, tags = kept(arena), ModelRegistry(arena.settings.tracking_uri).version("churn", 2).tags

    assert (row.version, row.production_version, row.decision, row.actor) == (2, 1, "hold", "a judge")
    assert (row.reasons, row.rows, row.report) == (found.verdict.reasons, 187, found.report)
    assert (row.profit_difference, row.profit_low, row.profit_high) == (0, 0, 0)
    assert (tags["gate_decision"], tags["validation_status"], tags["gate_rows"]) == ("hold", "held", "187")
    assert tags["gate_profit_difference"] == "0.0000"


def test_the_gate_moves_nothing(arena: Home) -> None:
    judged(arena)
    judged(arena, alone=True)

    assert ModelRegistry(arena.settings.tracking_uri).aliases("churn") == {}


def test_with_nothing_in_production_the_guard_rails_decide(arena: Home) -> None:
    good, bad = judged(arena, alone=True), judged(arena, gate=Gate(min_roc_auc=0.999), alone=True)

    assert (good.verdict.decision, good.verdict.profit) == ("promote", None)
    assert set(good.metrics) == {"roc_auc", "brier"}
    assert bad.verdict.decision == "reject"
    assert "the floor 0.9990" in bad.verdict.reasons[0]
    assert len(GateVerdictStore(open_database(arena.settings.database_url)).history("churn")) == 2


def test_a_version_for_people_begins_with_the_decision_and_ends_with_each_guard(arena: Home) -> None:
    lines = lines_of(judged(arena).verdict)

    assert lines[0] == "HOLD: the evidence is not enough yet"
    assert lines[1].startswith("- a campaign to 20% of the customers earns")
    names = [line.split()[1] for line in lines[2:]]
    assert {"rows", "leakage", "fingerprint", "contract", "size", "latency", "fairness", "calibration"} <= set(names)


def test_customers_whom_production_saw_are_left_out(arena: Home) -> None:
    """Production's record names half of the held-out customers: the other half is judged on."""
    ids = pd.read_parquet(artifact(arena, HOLDOUT))["customer_id"]
    some, run_id = ids[:90], find_training(arena.settings, None).info.run_id
    record = artifact(arena, SEEN)
    more = Named(some.to_numpy()).digests(run_id)
    pd.concat([pd.read_parquet(record), more]).to_parquet(record, index=False)

    enough = judged(arena, limits=Limits(min_rows=97, min_of_each_kind=5))
    few = judged(arena, limits=Limits(min_rows=98))

    assert enough.verdict.rows == 97
    assert "90 more are left out, since production's training saw them" in guard_of(enough.verdict, "rows")
    assert few.verdict.decision == "hold"
    assert few.verdict.reasons[0].startswith("there are only 97 (")
    assert few.verdict.reasons[0].endswith("98 are needed, 20 of each kind")
    assert few.verdict.profit is None
    assert kept(arena).decision == "hold"


def test_a_training_without_a_record_of_whom_it_saw_is_compared_on_what_both_held_out(arena: Home) -> None:
    artifact(arena, SEEN).unlink()

    found = judged(arena)

    assert found.verdict.rows == 187
    assert "customers whom both trainings held out" in guard_of(found.verdict, "rows")


def tell_live_customers(home: Home, rows: int) -> None:
    """Store predictions of later than both trainings, which are made 100 days older, and what became of them."""
    run_id = find_training(home.settings, None).info.run_id
    began = datetime.now(UTC) - timedelta(days=100)
    _set_start(home, run_id, began)
    customers, rng = sample_telco(rows, seed=5), np.random.default_rng(5)
    columns = {name: list(values) for name, values in customers.items()}
    names = [name for name in columns if name not in {"customerID", "Churn"}]
    moments = [datetime.now(UTC) - timedelta(days=31 + float(ago)) for ago in rng.uniform(0, 60, rows)]
    PredictionStore(open_database(home.settings.database_url)).add([
        Prediction(
            prediction_id=f"p-{row}", customer_id=str(columns["customerID"][row]), model_name="churn", model_version=1,
            role="production", door="fastapi", inputs={name: str(columns[name][row]) for name in names},
            probability=0.5, threshold=0.5, churn_prediction=1, risk_level="HIGH", predicted_at=utc_text(moment),
        )
        for row, moment in enumerate(moments)
    ])  # fmt: skip
    OutcomeStore(open_database(home.settings.database_url)).add([
        Outcome(
            model_name="churn", customer_id=str(columns["customerID"][row]), source="a test",
            churned=int(columns["Churn"][row] == "Yes"), observed_at=utc_text(moment + timedelta(days=30)),
        )
        for row, moment in enumerate(moments)
    ])  # fmt: skip


def _set_start(home: Home, run_id: str, moment: datetime) -> None:
    with sqlite3.connect(home.settings.home / "mlflow.db") as connection:
        connection.execute(
            "UPDATE runs SET start_time = ? WHERE run_uuid = ?", (int(moment.timestamp() * 1000), run_id)
        )


def test_live_customers_later_than_both_trainings_come_first_when_they_are_enough(arena: Home) -> None:
    tell_live_customers(arena, 400)

    found = judged(arena)
    few = judged(arena, limits=Limits(min_rows=1000))

    assert found.verdict.rows > 350
    assert "live customers, predicted from 20" in guard_of(found.verdict, "rows")
    assert found.verdict.decision == "hold"
    assert few.verdict.rows == 187
    assert "left) customers whom the candidate's training held out" in guard_of(few.verdict, "rows")


def test_live_customers_of_before_a_training_are_not_judged_on(arena: Home) -> None:
    tell_live_customers(arena, 400)
    _set_start(arena, find_training(arena.settings, None).info.run_id, datetime.now(UTC))

    assert judged(arena).verdict.rows == 187


def test_a_training_whose_audit_did_not_pass_is_rejected_for_that(arena: Home) -> None:
    mlflow.MlflowClient().set_tag(find_training(arena.settings, None).info.run_id, "leakage_audit", "failed")

    found = judged(arena)

    assert found.verdict.decision == "reject"
    assert "leakage: the leakage audit of its training did not pass: see audit.md" in found.verdict.reasons[0]


def test_held_out_rows_that_are_not_what_was_logged_are_rejected_by_name(arena: Home) -> None:
    path = artifact(arena, HOLDOUT)
    frame = pd.read_parquet(path)
    frame.assign(tenure=frame["tenure"] + 1).to_parquet(path, index=False)

    found = judged(arena)

    assert found.verdict.decision == "reject"
    assert found.verdict.reasons[0] == f"fingerprint: {HOLDOUT} is not the file that the training logged"


def test_a_version_whose_tags_name_other_data_is_rejected_for_that(arena: Home) -> None:
    registry = ModelRegistry(arena.settings.tracking_uri)
    registry.tag(registry.version("churn", 2), {"dataset_digest": "f" * 64})

    assert "the version's tag names the data ffffffffffff, its run " in judged(arena).verdict.reasons[0]


def test_a_bundle_beyond_the_bound_is_rejected_for_its_size(arena: Home) -> None:
    assert "size: the bundle has " in judged(arena, limits=Limits(max_megabytes=0.001)).verdict.reasons[0]


def test_what_goes_wrong_in_the_gate_is_a_reject_with_its_reason(arena: Home) -> None:
    artifact(arena, HOLDOUT).unlink()

    found = judged(arena)

    assert found.verdict.decision == "reject"
    assert found.verdict.reasons[0].startswith("the gate could not judge: run ")
    assert f"holds no {HOLDOUT}: train again" in found.verdict.reasons[0]
    assert (kept(arena).decision, kept(arena).report, found.report) == ("reject", "", "")


def test_an_error_that_is_not_ours_is_a_reject_that_quotes_nobody(arena: Home) -> None:
    frame = pd.read_parquet(artifact(arena, HOLDOUT)).astype({"tenure": object})
    frame["tenure"] = "Jane Doe"
    frame.drop(columns=["\x1flabel"]).to_parquet(artifact(arena, HOLDOUT), index=False)

    found = judged(arena)

    assert (found.verdict.decision, found.verdict.reasons) == ("reject", ("the gate could not judge: KeyError",))


def test_a_bundle_that_is_not_what_was_registered_is_a_reject_in_words(
    arena: Home, versions: tuple[RegisteredBundle, RegisteredBundle]
) -> None:
    first, second = versions

    found = judge_version(replace(second, digest=""), first, GATE, settings=arena.settings)

    assert found.verdict.decision == "reject"
    assert "the bundle can't be trusted: version 2 of churn carries no digest" in found.verdict.reasons[0]


def test_a_verdict_that_can_not_be_kept_is_none(arena: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(mlflow.MlflowClient, "log_artifacts", broken)

    with pytest.raises(StoreError, match="MLflow can't keep the verdict of churn version 2 beside version 1: no space"):
        judged(arena)
