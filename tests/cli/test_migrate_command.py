import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn.errors import StoreError
from churn.stores.database import is_current, open_database
from cli import migrate
from tests.postgres import free_port, running_postgres


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("COLUMNS", "200")
    return CliRunner()


def test_an_empty_store_gets_its_tables_and_again_changes_nothing(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))

    first, second = (runner.invoke(migrate.app, catch_exceptions=False) for _ in range(2))

    engine = open_database(f"sqlite:///{tmp_path / 'churn.db'}")
    assert is_current(engine)
    engine.dispose()
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output == second.output
    assert "has the tables of revision" in first.output


def test_a_database_that_is_late_is_waited_for(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_postgres() as server:
        monkeypatch.setenv("CHURN_DATABASE_URL", server.create("late"))
        server.stop()
        starting = threading.Timer(1.5, server.start)
        starting.start()

        done = runner.invoke(migrate.app, ["--wait", "60"], catch_exceptions=False)

        starting.join()
        assert done.exit_code == 0
        assert "secret-word" not in done.output


def test_a_database_that_stays_away_is_an_error(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_DATABASE_URL", f"postgresql://churn:secret-word@127.0.0.1:{free_port()}/churn")

    with pytest.raises(StoreError, match=r"did not answer|refused"):
        runner.invoke(migrate.app, ["--wait", "1.5"], catch_exceptions=False)
