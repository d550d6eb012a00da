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


IN_PROCESSES = frozenset(
    {
        "test_a_killed_job_goes_on_and_ends_with_every_row_once",
        "test_a_relay_that_is_killed_in_the_middle_is_continued",
        "test_every_record_that_a_killed_writer_acknowledged_is_stored_once",
        "test_of_racing_processes_exactly_one_wins_each_round",
        "test_of_racing_runners_each_gets_other_jobs",
        "test_processes_may_migrate_at_once",
    }
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts processes takes seconds on each database: MariaDB's turn comes with the longer tests."""
    for item in items:
        is_heavy = isinstance(item, pytest.Function) and item.originalname in IN_PROCESSES
        if is_heavy and item.name.partition("[")[2].startswith("mariadb"):
            item.add_marker(pytest.mark.slow)
