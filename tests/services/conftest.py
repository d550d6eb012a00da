"""Workers with a real bundle at temporary homes."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from services.api.app import create_app
from services.exchange import CanaryPointer, Pointer, write_note
from services.settings import ServiceSettings
from services.worker import Worker
from tests.bundles import small_bundle

CUSTOMER = {"tenure": 12, "Contract": "Month-to-month", "MonthlyCharges": 85.5}


def promote_on_disk(settings: ServiceSettings, folder: Path, *, version: int) -> str:
    """Do what the mirror does, without a registry."""
    digest = digest_of(folder)
    if not (settings.bundle_folder / digest).exists():
        shutil.copytree(folder, settings.bundle_folder / digest)
    write_note(Pointer(name=settings.model, version=version, digest=digest), settings.pointer_file)
    return digest


def canary_on_disk(settings: ServiceSettings, folder: Path, *, version: int, share: float, salt: str = "salt") -> None:
    """Do what the mirror does when a version has the alias `canary`."""
    digest = digest_of(folder)
    if not (settings.bundle_folder / digest).exists():
        shutil.copytree(folder, settings.bundle_folder / digest)
    pointer = CanaryPointer(name=settings.model, version=version, digest=digest, share=share, salt=salt)
    write_note(pointer, settings.canary_file)


def await_canary(worker: Worker, share: float) -> None:
    """Wait until a worker, whose keeper may be at it, has a canary with a share; 0: none."""
    for _ in range(500):
        worker.live.follow()
        canary = worker.live.require().canary
        if (canary.share if canary else 0.0) == share:
            return
        time.sleep(0.02)
    raise AssertionError(f"no canary with the share {share}: {worker.live.canary_problem}")


def await_version(worker: Worker, version: int) -> None:
    """Wait until a worker, whose keeper may be loading it, serves a version."""
    for _ in range(500):
        worker.live.follow()
        if worker.live.require().scorer.version == version:
            return
        time.sleep(0.02)
    raise AssertionError(f"version {version} is not served: {worker.live.problem}")


@pytest.fixture(scope="session")
def other_bundle(telco: Contract, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("other") / "sealed"
    small_bundle(folder, telco, seed=1)
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    return ServiceSettings(home=tmp_path / "home", attended=False, follow_seconds=0.02, body_bytes=20_000)


@pytest.fixture
def worker(settings: ServiceSettings, bundle_folder: Path) -> Iterator[Worker]:
    promote_on_disk(settings, bundle_folder, version=1)
    worker = Worker("fastapi", settings).open()
    yield worker
    worker.close()


@pytest.fixture
def client(worker: Worker) -> Iterator[TestClient]:
    with TestClient(create_app(worker, owns_worker=False), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def empty_client(settings: ServiceSettings) -> Iterator[TestClient]:
    with TestClient(create_app(Worker("fastapi", settings), owns_worker=True)) as client:
        yield client


@pytest.fixture
def spooled(settings: ServiceSettings) -> Callable[[], list[bytes]]:
    """Return the lines in the spool now."""
    return lambda: [
        line for path in sorted(settings.spool_folder.glob("*.jsonl")) for line in path.read_bytes().splitlines()
    ]
