import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn.stores.database import open_migrated
from cli.doctor import app
from cli.examination import Finding, examine


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return tmp_path


def findings() -> dict[str, Finding]:
    return {one.what: one for one in examine()}


@pytest.mark.usefixtures("home")
def test_a_new_installation_is_told_what_comes_first_and_is_not_called_broken() -> None:
    found = findings()

    assert found["MLflow"].state == "warning"
    assert "churn ring" in found["MLflow"].remedy
    assert found["contract telco.yaml"].state == found["versions"].state == "ok"
    assert not [one for one in found.values() if one.state == "error"]


@pytest.mark.usefixtures("home")
def test_stores_that_do_not_answer_are_errors_with_a_remedy_and_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("CHURN_DATABASE_URL", "postgresql://churn:hunter2@127.0.0.1:9/churn")
    monkeypatch.setenv("COLUMNS", "200")

    found = findings()
    shown = CliRunner().invoke(app, [])

    assert found["MLflow"].state == found["churn store"].state == "error"
    assert "CHURN_DATABASE_URL" in found["churn store"].remedy
    assert shown.exit_code == 1
    assert "remedy" in shown.output
    assert "hunter2" not in str(found) + shown.output


def test_one_database_for_two_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_TRACKING_URI", f"sqlite:///{home / 'one.db'}")
    monkeypatch.setenv("CHURN_OPTUNA_URL", f"sqlite:///{home / 'one.db'}")

    assert "CHURN_OPTUNA_URL" in findings()["databases"].remedy


def test_a_migrated_store_is_well(home: Path) -> None:
    engine = open_migrated(f"sqlite:///{home / 'churn.db'}")
    engine.dispose()

    assert findings()["churn store"].state == "ok"


def test_tables_that_are_behind_are_noticed(home: Path) -> None:
    (home / "churn.db").touch()

    assert findings()["churn store"].state == "warning"


@pytest.mark.usefixtures("home")
def test_a_port_that_is_taken_is_noticed() -> None:
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", 8000))
        except OSError:
            pytest.skip("something of this machine listens on port 8000 already")
        taken.listen()

        assert findings()["port 8000"].state == "warning"
