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
from monitoring.drift_found import Found
from monitoring.measures import MISSING_CHANGE, PSI, UNKNOWN_CHANGE, Measure, decisive
from tests.monitoring.conftest import Eyes
from tests.monitoring.pages import count_scripts
from tests.postgres import free_port

SCRIPT = "</script><script>alert(1)</script>"


def measure_of(found: Found, column: str, method: str) -> Measure:
    (measure,) = (one for one in found.measures if (one.column, one.method) == (column, method))
    return measure


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
    assert (run.rows, run.model_version, run.report) == (600, 1, found.report)
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


def test_customers_like_those_of_the_training_are_no_drift(eyes: Eyes) -> None:
    eyes.record(eyes.predictions_of(eyes.customers(600, seed=2)))

    found = eyes.look()

    assert (found.status, found.drifted_share, found.prediction_drifted) == ("no drift", 0.0, False)


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


def test_empty_constant_and_one_sided_columns_are_compared_like_any_other(eyes: Eyes) -> None:
    live = eyes.customers(300, seed=5)
    live["TotalCharges"][:] = np.nan
    live["PaymentMethod"][:] = "cheque by pigeon"
    live["Partner"][:] = ""
    live["tenure"][:] = 1
    eyes.record(eyes.predictions_of(live))

    found = eyes.look()

    assert measure_of(found, "TotalCharges", MISSING_CHANGE).value > 0.9
    assert measure_of(found, "Partner", MISSING_CHANGE).is_drifted
    assert measure_of(found, "PaymentMethod", UNKNOWN_CHANGE).value == 1
    assert all(
        measure_of(found, name, PSI).is_drifted for name in ("TotalCharges", "Partner", "PaymentMethod", "tenure")
    )
    assert all(np.isfinite(one.value) for one in found.measures)


def scripts_of(found: Found) -> int:
    return count_scripts(Path(found.report or "").read_text(encoding="utf-8"))


def test_a_category_that_is_markup_stays_text(eyes: Eyes) -> None:
    live = eyes.customers(300, seed=6)
    eyes.record(eyes.predictions_of(live))
    harmless = scripts_of(eyes.look())
    live["PaymentMethod"][:] = SCRIPT
    eyes.record(eyes.predictions_of(live))

    found = eyes.look()

    assert scripts_of(found) == harmless
    assert "alert(1)" not in Path(found.report or "").read_text(encoding="utf-8")


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
