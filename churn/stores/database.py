"""The SQL database: opened by its URL, migrated to the tables that this version knows.

Alembic and MySQL's driver are imported by the functions that need them: a serving worker only opens its database.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from churn.errors import StoreError
from churn.stores.transactions import begin_by_ourselves, reading, writing

if TYPE_CHECKING:
    from sqlite3 import Connection as SqliteConnection

    from alembic.config import Config

VERSION_TABLE = "churn_alembic_version"
MIGRATION_LOCK = 0x436875726E  # any number that no other program uses for an advisory lock
MYSQL_LOCK = "CONCAT('holdfast ', MD5(DATABASE()))"  # a name is of the whole server, and ends after 64 characters
MIGRATION_SECONDS = 240
BUSY_SECONDS = 15
ALEMBIC = threading.Lock()
"""Alembic keeps what it works on in a global: two threads that migrate two databases would mix them up."""

LOADING = threading.Lock()
SCHEMES = "sqlite:///path, postgresql://user:password@host:5432/name or mysql://user:password@host:3306/name"
DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mariadb+pymysql": "mysql+pymysql",
}

# Shared folders of a database server that is gone answer nothing: libpq would wait for minutes.
POSTGRES = {
    "connect_timeout": 3,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "holdfast",
}


def open_database(url: str) -> Engine:
    """Return an engine; nothing is connected yet.

    `postgres://` and `postgresql://` mean psycopg 3, `mysql://` and `mariadb://` PyMySQL.

    Raises:
        StoreError: the URL can't be read, or names a database that has no driver here.
    """
    address = _address(url)
    try:
        if address.get_backend_name() == "sqlite":
            return _open_sqlite(address)
        if address.drivername == "mysql+pymysql":
            return _open_mysql(address)
        settings = POSTGRES if address.get_backend_name() == "postgresql" else {}
        return create_engine(address, pool_pre_ping=True, pool_timeout=5, hide_parameters=True, connect_args=settings)
    except (ArgumentError, ModuleNotFoundError) as error:
        shown = address.render_as_string(hide_password=True)
        raise StoreError(f"no driver for the database {shown}: {error}. Expected {SCHEMES}") from error


def migrate(engine: Engine) -> None:
    """Bring the tables to this version's. Quick when they are; any number of processes may call it at once.

    A newer version's tables are left as they are: migrations only add, so this version finds all it knows there.

    Raises:
        StoreError: the database did not answer, or its tables can't be brought to this version's.
    """
    _load_alembic()
    from alembic import command  # noqa: PLC0415  see the module's docstring
    from alembic.util import CommandError  # noqa: PLC0415

    if is_current(engine):
        return
    config = _alembic()
    with changing_tables(engine) as connection:
        config.attributes["connection"] = connection
        try:
            with ALEMBIC:
                command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(
                f"the database {engine.url.render_as_string(hide_password=True)} can't be migrated: {error}. "
                "`churn doctor` looks at it; a backup of before the update has the old tables"
            ) from error


def open_migrated(url: str) -> Engine:
    """Open a database, its tables made or brought to this version's.

    Raises:
        StoreError: as `open_database` and `migrate`.
    """
    engine = open_database(url)
    migrate(engine)
    return engine


@contextmanager
def migrated(url: str) -> Iterator[Engine]:
    """Open as `open_migrated`, and let go of the connections at the end."""
    engine = open_migrated(url)
    try:
        yield engine
    finally:
        engine.dispose()


def schema_version(engine: Engine) -> str | None:
    """Return the revision of the database's tables; None when it was never migrated."""
    _load_alembic()
    from alembic.migration import MigrationContext  # noqa: PLC0415  see the module's docstring

    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


def is_current(engine: Engine) -> bool:
    """Say whether the database has the tables of this version, or of a newer one: a revision that is not known here."""
    _load_alembic()
    from alembic.script import ScriptDirectory  # noqa: PLC0415  see the module's docstring

    found, scripts = schema_version(engine), ScriptDirectory.from_config(_alembic())
    older = {each.revision for each in scripts.walk_revisions()} - {scripts.get_current_head()}
    return found is not None and found not in older


@contextmanager
def changing_tables(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that makes tables, while no other process does so with this function.

    Raises:
        StoreError: another has been at it for minutes, or the database did not answer.
    """
    with _alone(engine), writing(engine) as connection:
        # SQLite is locked already by BEGIN IMMEDIATE.
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        yield connection


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Hold MySQL's lock in a connection of its own: it must outlive the transaction, which each new table ends."""
    if engine.dialect.name != "mysql":
        yield
        return
    with reading(engine) as connection:
        got = connection.execute(text(f"SELECT GET_LOCK({MYSQL_LOCK}, {MIGRATION_SECONDS})")).scalar_one()
        if got != 1:
            shown = engine.url.render_as_string(hide_password=True)
            raise StoreError(
                f"another process has been changing the tables of {shown} for {MIGRATION_SECONDS} s: look for it with "
                "SHOW PROCESSLIST, or try again"
            )
        try:
            yield
        finally:
            connection.execute(text(f"SELECT RELEASE_LOCK({MYSQL_LOCK})"))


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        # The URL is not shown: what can't be parsed may be a password.
        raise StoreError(f"the database URL can't be read: expected {SCHEMES}") from error
    return address.set(drivername=DRIVERS.get(address.drivername, address.drivername))


def _open_mysql(address: URL) -> Engine:
    from churn.stores.mysql import open_mysql  # noqa: PLC0415  see the module's docstring

    return open_mysql(address)


def _open_sqlite(address: URL) -> Engine:
    if address.database and address.database != ":memory:":
        _make_folder(Path(address.database).parent)
    engine = create_engine(address, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _tune_sqlite)
    begin_by_ourselves(engine)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the database's folder {folder} can't be made: {error.strerror}") from error


def _tune_sqlite(connection: "SqliteConnection", _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are begun by begin_by_ourselves
    connection.execute("PRAGMA journal_mode = WAL")
    # FULL, not NORMAL: the relay deletes a segment once the database has committed it, so a commit must survive a
    # loss of power. It costs one sync for each batch, none for each request.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _load_alembic() -> None:
    """Import all of it, a thread at a time: it imports itself in a circle, which breaks when two begin at two ends."""
    with LOADING:
        import alembic.command  # noqa: F401, PLC0415  see the module's docstring


def _alembic() -> "Config":
    from alembic.config import Config  # noqa: PLC0415  see the module's docstring

    config = Config()
    config.set_main_option("script_location", "churn.stores:migrations")
    config.set_main_option("path_separator", "os")
    return config
