"""SQLite, PostgreSQL and MariaDB for tests: one server of each for the whole run, databases in it for each test."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.types import Integer

from churn.stores.database import migrate, open_database
from churn.stores.tables import metadata
from tests.mariadb import MariaDb
from tests.postgres import Postgres

KINDS = ("sqlite", "postgresql", "mariadb")
Server = Postgres | MariaDb


@contextmanager
def empty_database(server: Server | None, folder: Path) -> Iterator[str]:
    """Yield the address of a new database; of a file when there is no server."""
    if server is None:
        yield f"sqlite:///{folder / 'churn.db'}"
        return
    name = f"test_{uuid.uuid4().hex}"
    yield server.create(name)
    server.drop(name)


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    yield engine
    engine.dispose()


class Shelf:
    """Migrated databases that tests of the whole run share, one after another: migrating takes longer than a test."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._urls = folder, dict[type[object], str]()

    def take(self, server: Server | None, folder: Path) -> str:
        """Return the address of a migrated and empty database."""
        kind = type(server)
        if kind not in self._urls:
            self._urls[kind] = server.create(f"shelf_{uuid.uuid4().hex}") if server else f"sqlite:///{self._file}"
            with opened(self._urls[kind]) as engine:
                migrate(engine)
        if server is None:
            return f"sqlite:///{shutil.copy(self._file, folder / 'churn.db')}"
        with opened(self._urls[kind]) as engine:
            wipe(engine)
        return self._urls[kind]

    @property
    def _file(self) -> Path:
        return self._folder / "churn.db"


def wipe(engine: Engine) -> None:
    """Delete all rows; numbers begin with 1 again."""
    with engine.begin() as connection:
        emptied = [table for table in reversed(metadata.sorted_tables) if connection.execute(table.delete()).rowcount]
        for table in emptied:
            _number_anew(connection, table)


def _number_anew(connection: Connection, table: Table) -> None:
    counter = table.autoincrement_column
    if counter is None or not isinstance(counter.type, Integer):
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ALTER SEQUENCE {table.name}_{counter.name}_seq RESTART")
    elif connection.dialect.name == "mysql":
        connection.exec_driver_sql(f"ALTER TABLE {table.name} AUTO_INCREMENT = 1")
