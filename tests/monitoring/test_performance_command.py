"""`churn performance` as it is called."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from churn.stores.stage_runs import StageRunLog
from cli.performance import app
from tests.monitoring.answered import World, blind, live_through
from tests.monitoring.conftest import Eyes


@pytest.fixture
def home(eyes: Eyes, monkeypatch: pytest.MonkeyPatch) -> Eyes:
    monkeypatch.setenv("CHURN_HOME", str(eyes.settings.home))
    monkeypatch.setenv("CHURN_TRACKING_URI", eyes.settings.tracking_uri)
    monkeypatch.delenv("CHURN_DATABASE_URL", raising=False)
    return eyes


def test_a_version_that_is_worse_is_no_failure_unless_it_was_asked_for(home: Eyes) -> None:
    now = datetime.now(UTC)
    live_through(home.engine, (now - timedelta(days=40), now - timedelta(days=31)), 300, now=now, world=World(1, blind))
    client = MlflowClient(tracking_uri=home.settings.tracking_uri)
    run_id = client.get_model_version("churn", "1").run_id or ""
    for name, value in {"roc_auc": 0.83, "roc_auc_low": 0.80, "roc_auc_high": 0.855}.items():
        client.log_metric(run_id, f"holdout_{name}", value)

    plain, strict = CliRunner().invoke(app, []), CliRunner().invoke(app, ["--fail-when-degraded", "--json"])

    assert (plain.exit_code, strict.exit_code) == (0, 3), plain.output
    assert plain.stdout.startswith("version 1, degraded: 300 of 300 customers have an outcome")
    assert "ROC-AUC" in plain.stdout
    assert json.loads(strict.stdout)[0]["status"] == "degraded"


def test_nobody_to_look_at_is_said_and_the_run_is_noted(home: Eyes) -> None:
    done = CliRunner().invoke(app, ["--fail-when-degraded"])

    assert (done.exit_code, done.stdout) == (0, "nobody was predicted in the window\n")
    (noted,) = StageRunLog(home.engine).recent("churn", "performance")
    assert (noted.status, noted.words) == ("done", "nobody was predicted in the window")
