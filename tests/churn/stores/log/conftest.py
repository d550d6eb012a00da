"""The databases of the stores' tests, for the log's; and one with a log that each test leaves as it was."""

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from churn.stores.database import migrate, open_database
from tests.churn.stores.conftest import database_url, engine, postgres
from tests.churn.stores.log.logged import fill

__all__ = ["database_url", "engine", "postgres"]


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with a log, for all tests of a module."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('log') / 'churn.db'}"
    else:
        url = request.getfixturevalue("postgres").create(f"log_{uuid.uuid4().hex}")
    engine = open_database(url)
    migrate(engine)
    fill(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def undone(filled: Engine) -> Iterator[Connection]:
    """A transaction in it that is rolled back in the end."""
    with filled.connect() as connection:
        yield connection
