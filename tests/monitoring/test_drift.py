"""The drift job, from recorded predictions to the report, the SQL store and the run."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from churn.bundle.files import digest_of
from churn.errors import NotFoundError, StoreError
from churn.stores.drift import DriftStore
from monitoring.measures import decisive
from tests.monitoring.conftest import Eyes
from tests.postgres import free_port

SCRIPT = "</script><script>alert(1)</script>"


def test_shifted_customers_are_drift_in_the_answer_the_store_the_files_and_the_run(eyes: Eyes) -> None:
    live = eyes.customers(600, seed=1)
    live["MonthlyCharges"] = live["MonthlyCharges"] * np.float32(3)
    live["Contract"][:] = "Month-to-month"
    eyes.record(eyes.predictions_of(live))

    found = eyes.look()

    assert {name for name, one in decisive(found.measures).items() if one.is_drifted} >= {"MonthlyCharges", "Contract"}
    assert (found.rows, found.version, found.reference_rows) == (600, 1, 400)
    run, columns = DriftStore(eyes.engine).latest("churn") or (None, ())
    assert run is not None
    assert (run.rows, run.model_version, run.report, run.status) == (600, 1, found.report, found.status)
    assert (run.words, run.reference_rows, run.volume_changed) == (found.message, 400, None)
    assert run.profit_change_low < run.profit_change < run.profit_change_high  # type: ignore[operator]
    assert "columns drifted (" in found.message
    assert {one.column_name for one in columns} == {*eyes.contract.columns, "churn_probability"}
    assert run.drifted_share == pytest.approx(
        sum(one.is_drifted for one in columns[1:]) / len(eyes.contract.columns), abs=0.06
    )
    report = Path(found.report or "")
    assert json.loads(report.with_name("drift.json").read_text()) == json.loads(found.to_json())
    logged = MlflowClient(tracking_uri=eyes.settings.tracking_uri).list_artifacts(
        found.run_id, f"drift/{report.parent.name}"
    )
    assert {Path(one.path).name for one in logged} == {
        "drift.html",
        "drift.json",
        "drift.md",
        "drift.png",
        "evidently.json",
    }


def test_too_few_customers_are_said_and_kept_as_a_run_without_measures(eyes: Eyes) -> None:
    eyes.record(eyes.predictions_of(eyes.customers(199, seed=3)))

    found = eyes.look()

    assert found.status == "not enough data"
    assert found.message.endswith("; 200 are needed to say anything")
    assert not eyes.settings.drift_folder.exists()
    (run,) = DriftStore(eyes.engine).history("churn")
    assert (run.status, run.rows, run.is_drifted, run.prediction_drifted) == ("not enough data", 199, False, None)
    assert run.words == found.message


def test_only_the_window_the_version_and_what_was_heard_count(eyes: Eyes) -> None:
    recorded = eyes.predictions_of(eyes.customers(4, seed=4))
    changes: list[dict[str, object]] = [
        {"predicted_at": "2026-01-01T00:00:00.000Z"},
        {"model_version": 2},
        {"role": "shadow"},
        {},
    ]
    eyes.record([replace(one, **change) for one, change in zip(recorded, changes, strict=True)])  # type: ignore[arg-type]

    assert eyes.look().rows == 1
    assert eyes.look(datetime.now(UTC) - timedelta(days=3650)).rows == 2


def test_the_version_that_is_asked_for_is_compared_and_the_answers_of_others_are_left_out(eyes: Eyes) -> None:
    """After a promotion a window holds the answers of two versions, each compared with its own reference."""
    recorded = eyes.predictions_of(eyes.customers(6, seed=4))
    eyes.record([replace(one, model_version=1 + place % 2) for place, one in enumerate(recorded[:5])])

    production, other = eyes.look(), eyes.look(version=2)

    assert (production.version, production.rows, other.version, other.rows) == (1, 3, 2, 2)
    assert "2 other answers in the window are left out" in production.message
    assert [run.model_version for run in DriftStore(eyes.engine).history("churn")] == [2, 1]


def test_a_version_that_does_not_exist_is_refused(eyes: Eyes) -> None:
    with pytest.raises(NotFoundError, match=r"churn has no version 9; `churn status` lists the versions"):
        eyes.look(version=9)


def test_a_customer_who_was_asked_for_often_counts_once(eyes: Eyes) -> None:
    (recorded,) = eyes.predictions_of(eyes.customers(1, seed=4))
    eyes.record([replace(recorded, prediction_id=f"again-{number}") for number in range(5)])

    found = eyes.look()

    assert (found.predictions, found.rows) == (5, 1)


def test_a_category_that_is_markup_stays_text_in_every_file(eyes: Eyes) -> None:
    live = eyes.customers(300, seed=6)
    live["PaymentMethod"][:] = SCRIPT
    eyes.record(eyes.predictions_of(live))

    found = eyes.look()

    folder = Path(found.report or "").parent
    assert "alert(1)" not in (folder / "drift.html").read_text(encoding="utf-8")
    assert "<" not in (folder / "drift.md").read_text(encoding="utf-8")
    assert found.novelties[0].named == (("‹/script›‹script›alert(1)‹/script›", 300),)
    assert "alert" not in found.message


def test_without_mlflow_the_bundle_on_disk_is_compared_and_the_report_is_there(
    eyes: Eyes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    eyes.record(eyes.predictions_of(eyes.customers(300, seed=7)))
    away = eyes.settings.model_copy(update={"tracking": f"http://127.0.0.1:{free_port()}"})
    digest = digest_of(eyes.bundle)
    away.bundle_folder.mkdir()
    (away.bundle_folder / digest).symlink_to(eyes.bundle)
    (away.bundle_folder / "production.json").write_text(json.dumps({"name": "churn", "version": 1, "digest": digest}))

    found = eyes.look(settings=away)

    assert (found.status, found.drifted_share, found.prediction_drifted) == ("no drift", 0.0, False)
    assert Path(found.report or "").is_file()
    assert "registry away" in caplog.text


def test_without_mlflow_and_without_a_bundle_on_disk_the_address_is_named(
    eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = eyes.settings.model_copy(update={"tracking": f"http://127.0.0.1:{free_port()}"})

    with pytest.raises(StoreError, match=r"the registry http://127\.0\.0\.1:\d+ refused or did not answer"):
        eyes.look(settings=away)


def test_without_a_production_version_the_next_step_is_named(eyes: Eyes) -> None:
    nothing = eyes.settings.model_copy(update={"model": "absent"})

    with pytest.raises(NotFoundError, match=r"no version of absent is in production: promote one with `churn promote`"):
        eyes.look(settings=nothing)
