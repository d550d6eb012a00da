"""Keys of people at a door, and a queue that a test looks after itself: import the fixtures that a test needs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine

from churn.stores.database import open_migrated
from churn.stores.job_files import JobFiles, home_id
from churn.stores.jobs import JobStore
from churn.stores.orders import Claimant, Job
from churn.stores.roles import Role
from services.settings import ServiceSettings
from tests.services.people import key_of

Key = Callable[[Role], dict[str, str]]


@pytest.fixture
def engine(settings: ServiceSettings) -> Iterator[Engine]:
    """The migrated store of the door's home."""
    engine = open_migrated(settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def key(engine: Engine) -> Key:
    """Headers of somebody with a role."""
    return lambda role: {"x-api-key": key_of(engine, role)}


@dataclass(frozen=True)
class Yard:
    """The queue of a door's home, the files of its jobs, and a runner that is the test itself."""

    store: JobStore
    files: JobFiles
    runner: Claimant

    def take(self) -> Job:
        found = self.store.claim(self.runner)
        assert found is not None
        return found


@pytest.fixture
def yard(settings: ServiceSettings, engine: Engine) -> Yard:
    runner = Claimant("a runner", settings.model, home_id(settings.home))
    return Yard(JobStore(engine), JobFiles(settings.job_folder), runner)
