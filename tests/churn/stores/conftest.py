"""The databases that every store test runs on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from churn.stores.database import migrate
from tests.churn.stores.databases import KINDS, Server, Shelf, empty_database, opened
from tests.mariadb import mariadb
from tests.postgres import postgres

__all__ = ["mariadb", "postgres"]


@pytest.fixture(params=KINDS, scope="session")
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def server(kind: str, request: pytest.FixtureRequest) -> Server | None:
    """One for the whole run; None: a file is the database."""
    found: Server | None = None if kind == "sqlite" else request.getfixturevalue(_NAMES[kind])
    return found


_NAMES = {"postgresql": "postgres", "mariadb": "mariadb"}


@pytest.fixture
def database_url(server: Server | None, tmp_path: Path) -> Iterator[str]:
    """An empty database of the test's own."""
    with empty_database(server, tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def engine(server: Server | None, shelf: Shelf, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A migrated database without a row; the one at `database_url` when the test asks for that, too."""
    if "database_url" in request.fixturenames:
        with opened(request.getfixturevalue("database_url")) as engine:
            migrate(engine)
            yield engine
        return
    with opened(shelf.take(server, tmp_path)) as engine:
        yield engine
