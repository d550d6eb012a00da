"""One worker for many refusals: opening one for each costs more than they do."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from services.api.app import create_app
from services.settings import ServiceSettings
from services.worker import Worker
from tests.services.conftest import promote_on_disk
from tests.services.people import open_store


@pytest.fixture(scope="module")
def shared_worker(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    settings = ServiceSettings(home=tmp_path_factory.mktemp("shared"), attended=False, requests_per_minute=100_000)
    promote_on_disk(settings, bundle_folder, version=1)
    worker = Worker("fastapi", settings).open()
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def shared_client(shared_worker: Worker) -> Iterator[TestClient]:
    with TestClient(create_app(shared_worker, owns_worker=False), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def people(settings: ServiceSettings) -> Iterator[Engine]:
    """The store of people that the doors of this test read."""

    engine = open_store(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def recorded(shared_worker: Worker) -> Callable[[], int]:
    """How many predictions were spooled since the test began."""

    def count() -> int:
        return sum(path.read_bytes().count(b"\n") for path in shared_worker.settings.spool_folder.glob("*.jsonl"))

    before = count()
    return lambda: count() - before
