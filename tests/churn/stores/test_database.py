import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, event, text

from churn.errors import StoreError
from churn.stores.database import (
    VERSION_TABLE,
    changing_tables,
    is_current,
    migrate,
    open_database,
    open_migrated,
    schema_version,
)
from churn.stores.tables import metadata
from churn.stores.transactions import reading, writing
from tests.postgres import free_port

MIGRATE = "import sys; from churn.stores.database import *; migrate(open_database(sys.argv[1]))"


def test_a_new_database_is_not_current_until_it_is_migrated(database_url: str) -> None:
    engine = open_database(database_url)
    assert schema_version(engine) is None
    assert not is_current(engine)

    migrate(engine)

    assert is_current(engine)
    engine.dispose()


def test_the_migrations_make_the_tables_that_the_code_knows(engine: Engine) -> None:
    require_the_tables_that_the_code_knows(engine)


def require_the_tables_that_the_code_knows(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_migrating_a_current_database_asks_a_few_questions_and_changes_nothing(engine: Engine) -> None:
    migrate(engine)
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    migrate(engine)

    assert len(statements) < 6
    assert not any(one.lstrip().upper().startswith(("CREATE", "ALTER", "INSERT", "UPDATE")) for one in statements)


def test_processes_may_migrate_at_once(database_url: str) -> None:
    starts = [subprocess.Popen([sys.executable, "-c", MIGRATE, database_url], stderr=subprocess.PIPE) for _ in range(4)]

    assert [(each.communicate(timeout=120)[1], each.returncode) for each in starts] == [(b"", 0)] * 4
    engine = open_database(database_url)
    assert is_current(engine)
    engine.dispose()


def test_threads_may_migrate_at_once(database_url: str) -> None:
    def run(_: int) -> str | None:
        engine = open_migrated(database_url)
        found = schema_version(engine)
        engine.dispose()
        return found

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(run, range(8))) == {"0004"}


def test_who_changes_tables_is_waited_for_until_all_are_changed(database_url: str) -> None:
    first, second, entered = open_database(database_url), open_database(database_url), threading.Event()

    def enter() -> None:
        with changing_tables(second):
            entered.set()

    thread = threading.Thread(target=enter)
    with changing_tables(first) as connection:
        connection.execute(text("CREATE TABLE made (number INTEGER)"))  # which ends MariaDB's transaction
        thread.start()
        assert not entered.wait(0.5)
    assert entered.wait(60)
    thread.join()
    first.dispose()
    second.dispose()


def test_the_database_of_a_newer_version_is_used_as_it_is(engine: Engine, database_url: str) -> None:
    assert engine.url.render_as_string(hide_password=False) == database_url
    """So that an update can be taken back, and doors be replaced one after the other."""
    with writing(engine) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = 'later'"))  # noqa: S608  a constant

    migrate(engine)

    assert is_current(engine)
    assert schema_version(engine) == "later"


def test_a_database_without_a_revision_is_not_current(database_url: str) -> None:
    engine = open_database(database_url)

    assert not is_current(engine)
    engine.dispose()


def test_an_error_rolls_the_whole_transaction_back(engine: Engine) -> None:
    def write() -> None:
        with writing(engine) as connection:
            connection.execute(text("INSERT INTO leases VALUES ('a', 'b', 1, 'c')"))
            connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    with pytest.raises(StoreError, match=r"no such table|does not exist|doesn't exist"):
        write()

    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM leases")).scalar_one() == 0


def test_a_missing_table_is_an_error_with_its_remedy(database_url: str) -> None:
    engine = open_database(database_url)
    with pytest.raises(StoreError, match="churn doctor"), reading(engine) as connection:
        connection.execute(text("SELECT * FROM leases"))
    engine.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_server_that_is_away_is_one_line_without_its_password(scheme: str) -> None:
    engine = open_database(f"{scheme}://churn:secret-word@127.0.0.1:{free_port()}/churn")
    start = time.monotonic()

    with pytest.raises(StoreError, match=r"churn:\*\*\*@127.0.0.1.*refused") as caught:
        migrate(engine)

    assert "secret-word" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    "url", ["nonsense:secret-word", "", "oracle9://u:secret-word@h/d", "mysql+odbc://u:secret-word@h/d"]
)
def test_a_url_that_can_t_be_opened_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StoreError, match="sqlite:///") as caught:
        open_database(url)

    assert "secret-word" not in str(caught.value)


def test_sqlite_is_durable_and_lets_readers_read(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'new' / 'folder' / 'churn.db'}")
    with reading(engine) as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in
                 ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")]  # fmt: skip
    engine.dispose()

    assert found == ["wal", 2, 1, 15_000]


def test_sqlite_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    engine = open_migrated(f"sqlite:///{tmp_path / 'churn.db'}")
    with writing(engine), reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM leases")).scalar_one() == 0
    engine.dispose()


def test_a_folder_that_can_t_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="file/sub can't be made"):
        open_database(f"sqlite:///{tmp_path / 'file' / 'sub' / 'churn.db'}")


def test_a_file_that_is_no_database_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "churn.db").write_text("no database at all, but long enough to be looked at " * 40)
    engine = open_database(f"sqlite:///{tmp_path / 'churn.db'}")

    with pytest.raises(StoreError, match="not a database"):
        migrate(engine)
    engine.dispose()
