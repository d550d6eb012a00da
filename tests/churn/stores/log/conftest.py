"""The databases of the log's tests: empty, or as one log was, for each test."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from churn.stores.database import migrate
from tests.churn.stores.conftest import database_url, engine, kind, mariadb, postgres, server, shelf
from tests.churn.stores.databases import Server, empty_database, opened
from tests.churn.stores.log.logged import fill

__all__ = ["database_url", "engine", "kind", "mariadb", "postgres", "server", "shelf"]


@pytest.fixture(scope="module")
def filled(server: Server | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with a log, for all tests of a module that read."""
    with empty_database(server, tmp_path_factory.mktemp("log")) as url, opened(url) as engine:
        migrate(engine)
        fill(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def undone(filled: Engine) -> Iterator[Connection]:
    """A transaction in that which is rolled back in the end."""
    with filled.connect() as connection:
        yield connection
