"""The databases of the log's tests: migrated once for a module, and empty, or as one log was, for each test."""

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from churn.stores.database import migrate, open_database
from churn.stores.tables import log_blocks, log_head, predictions, promotions
from tests.churn.stores.conftest import database_url, postgres
from tests.churn.stores.log.logged import fill

__all__ = ["database_url", "postgres"]

TABLES = (predictions, promotions, log_blocks, log_head)


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def database(kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database for all tests of a module that write."""
    yield from opened(kind, request, tmp_path_factory)


@pytest.fixture
def engine(database: Engine) -> Engine:
    """It, empty, and with numbers from 1 on."""
    with database.begin() as connection:
        if database.dialect.name == "postgresql":
            connection.exec_driver_sql(f"TRUNCATE {', '.join(one.name for one in TABLES)} RESTART IDENTITY")
        else:
            for table in TABLES:
                connection.execute(table.delete())
    return database


@pytest.fixture(scope="module")
def filled(kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with a log, for all tests of a module that read."""
    for engine in opened(kind, request, tmp_path_factory):
        fill(engine)
        yield engine


@pytest.fixture
def undone(filled: Engine) -> Iterator[Connection]:
    """A transaction in that which is rolled back in the end."""
    with filled.connect() as connection:
        yield connection


def opened(kind: str, request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> Iterator[Engine]:
    if kind == "sqlite":
        url = f"sqlite:///{folders.mktemp('log') / 'churn.db'}"
    else:
        url = request.getfixturevalue("postgres").create(f"log_{uuid.uuid4().hex}")
    engine = open_database(url)
    migrate(engine)
    yield engine
    engine.dispose()
