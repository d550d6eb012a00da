"""`churn drift` as it is called."""

import json

import pytest
from typer.testing import CliRunner

from churn.errors import UsageError
from churn.stores.stage_runs import StageRunLog
from cli.drift import app
from tests.monitoring.conftest import Eyes


@pytest.fixture
def home(eyes: Eyes, monkeypatch: pytest.MonkeyPatch) -> Eyes:
    monkeypatch.setenv("CHURN_HOME", str(eyes.settings.home))
    monkeypatch.setenv("CHURN_TRACKING_URI", eyes.settings.tracking_uri)
    monkeypatch.delenv("CHURN_DATABASE_URL", raising=False)
    return eyes


def shift(home: Eyes) -> None:
    live = home.customers(300, seed=8)
    for name in home.contract.category_columns:
        live[name][:] = home.contract.columns[name].categories[0]
    home.record(home.predictions_of(live))


def test_drift_fails_a_program_that_asked_for_it(home: Eyes) -> None:
    shift(home)

    done = CliRunner().invoke(app, ["--fail-on-drift", "--hours", "1"])

    assert done.exit_code == 3
    assert done.stdout.startswith("drift: 300 customers of version 1 since ")
    assert "drift.html" in done.stdout


@pytest.mark.slow
def test_drift_is_no_failure_unless_it_was_asked_for(home: Eyes) -> None:
    shift(home)

    assert CliRunner().invoke(app, []).exit_code == 0


def test_too_little_data_is_said_and_no_failure(home: Eyes) -> None:
    home.record(home.predictions_of(home.customers(3, seed=9)))

    done = CliRunner().invoke(app, ["--json", "--fail-on-drift", "--since", "2026-01-01"])

    assert done.exit_code == 0
    assert json.loads(done.stdout)["status"] == "not enough data"
    (run,) = StageRunLog(home.engine).recent("churn", "drift")
    assert run.status == "done"
    assert run.words.startswith("not enough data: 3 customers of version 1 since ")


def test_another_version_than_production_can_be_looked_at(home: Eyes) -> None:
    del home

    done = CliRunner().invoke(app, ["--json", "--version", "2"])

    assert json.loads(done.stdout)["version"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "yesterday"], r"--since 'yesterday' is no moment: write 2026-11-21"),
        (["--since", "2026-01-01", "--hours", "2"], r"both say where the window starts: give one"),
    ],
)
def test_a_window_that_can_not_be_read_is_refused(home: Eyes, arguments: list[str], message: str) -> None:
    del home

    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
