"""Staging with real doors: a version is served, exchanged for another, and taken down."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import mlflow
import pytest
from typer.testing import CliRunner

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.errors import NotFoundError, UnreachableError
from churn.stores.registry import STAGING, ModelRegistry, RegisteredBundle
from cli.main import app
from pipelines.logged_model import log_bundle
from pipelines.moves import Order
from pipelines.settings import PipelineSettings
from pipelines.staging.deployment import Staged, deploy, look, withdraw
from pipelines.staging.door import StagingDoor
from tests.bundles import small_bundle
from tests.postgres import free_port
from tests.registered import promoted
from tests.tracking import own_tracking

ORDER = Order("a test", "to try it")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[PipelineSettings]:
    folder = tmp_path / "home"
    tracking = f"sqlite:///{folder / 'mlflow.db'}"
    made = PipelineSettings.model_validate({"home": folder, "tracking": tracking, "staging_port": free_port()})
    yield made
    StagingDoor(made).stop()


def test_nothing_runs_where_nothing_was_started(settings: PipelineSettings) -> None:
    found = look(settings)

    assert (found.is_running, found.is_ready, found.version, found.url) == (False, False, None, None)


def test_a_note_of_a_door_that_died_is_not_believed(settings: PipelineSettings) -> None:
    """The number in the note is by now somebody else's: of this very test."""
    door = StagingDoor(settings)
    door.home.mkdir(parents=True)
    (door.home / "door.lock").touch()
    (door.home / "door.json").write_text(json.dumps({"pid": os.getpid(), "url": "http://127.0.0.1:1", "kind": "bento"}))

    assert not look(settings).is_running
    door.stop()

    assert door.note() is None


def test_the_command_says_that_staging_is_down(settings: PipelineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_HOME", str(settings.home))

    told = CliRunner().invoke(app, ["staging", "status"])
    as_json = CliRunner().invoke(app, ["staging", "status", "--json"])

    assert told.output.strip() == "staging is down"
    assert json.loads(as_json.output)["running"] is False


def test_the_alias_is_given_and_taken_for_a_door_that_runs_elsewhere(
    settings: PipelineSettings, telco: Contract, bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted(bundle_folder, telco, settings, settings.home.parent / "first")
    monkeypatch.setenv("CHURN_HOME", str(settings.home))
    registry = ModelRegistry(settings.tracking_uri)

    given = _said("staging", "give", "--version", "1", "--reason", "to try it")
    held = _aliased(registry, settings)
    taken = _said("staging", "take")
    again = _said("staging", "take")
    moves = json.loads(_said("audit", "history", "--alias", "staging", "--json"))

    assert (given, held, _aliased(registry, settings)) == ("staging is version 1", 1, None)
    assert (taken, again) == ("version 1 had the alias", "no version had it")
    assert [(one["action"], one["reason"]) for one in moves if one["status"] == "done"] == [
        ("give", "to try it"),
        ("take", "staging is over"),
    ]
    assert not look(settings).is_running


@pytest.mark.slow
def test_versions_come_and_go_at_the_staging_door(
    settings: PipelineSettings, telco: Contract, bundle_folder: Path, tmp_path: Path
) -> None:
    first = promoted(bundle_folder, telco, settings, tmp_path / "first")
    small_bundle(tmp_path / "bundle", telco, seed=1)
    second = _another(tmp_path / "bundle", telco, settings)
    registry = ModelRegistry(settings.tracking_uri)

    with own_tracking():
        up = _deploy(second.version, settings)
        pid = _pid(settings)
        again = _deploy(second.version, settings)
        exchanged = _deploy(first.version, settings)

    assert (up.version, again.version, exchanged.version, up.url) == (2, 2, 1, f"http://127.0.0.1:{_port(settings)}")
    assert _pid(settings) == pid, "the same door serves each"
    assert _aliased(registry, settings) == 1
    production = registry.production(settings.model)
    assert production is not None
    assert production.version == 1, "production was never touched"
    assert httpx.get(f"{up.url}/readyz").status_code == 200

    withdraw(ORDER, settings=settings)
    withdraw(ORDER, settings=settings)

    assert not look(settings).is_running
    assert _aliased(registry, settings) is None
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{up.url}/readyz")


@pytest.mark.slow
def test_a_door_that_can_not_start_is_told_with_its_last_words(
    settings: PipelineSettings, telco: Contract, bundle_folder: Path, tmp_path: Path
) -> None:
    import socket

    promoted(bundle_folder, telco, settings, tmp_path)
    with socket.create_server(("127.0.0.1", settings.staging_port)):
        with own_tracking(), pytest.raises(UnreachableError, match=r"has ended: .*can't listen on"):
            _deploy(1, settings)
        with own_tracking(), pytest.raises(NotFoundError, match="9"):
            _deploy(9, settings)

    assert not look(settings).is_running


@pytest.mark.slow
def test_a_door_that_was_killed_is_started_again(
    settings: PipelineSettings, telco: Contract, bundle_folder: Path, tmp_path: Path
) -> None:
    promoted(bundle_folder, telco, settings, tmp_path)
    with own_tracking():
        _deploy(1, settings)
    pid = _pid(settings)

    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while look(settings).is_running:
        time.sleep(0.05)
    with own_tracking():
        found = _deploy(1, settings)

    assert (found.version, _pid(settings) != pid) == (1, True)


def _said(*words: str) -> str:
    with own_tracking():
        found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    return found.stdout.strip()


def _deploy(version: int, settings: PipelineSettings) -> Staged:
    return deploy(version, ORDER, kind="fastapi", wait_seconds=90, settings=settings)


def _another(bundle: Path, contract: Contract, settings: PipelineSettings) -> RegisteredBundle:
    """Register a second version, and leave production with the first."""
    with own_tracking():
        mlflow.set_tracking_uri(settings.tracking_uri)
        mlflow.set_experiment("churn")
        with mlflow.start_run() as run:
            logged = log_bundle(bundle, contract)
        registry = ModelRegistry(settings.tracking_uri)
        return registry.register(settings.model, logged, run_id=run.info.run_id, digest=digest_of(bundle), tags={})


def _aliased(registry: ModelRegistry, settings: PipelineSettings) -> int | None:
    found = registry.aliased(settings.model, STAGING)
    return found.version if found else None


def _pid(settings: PipelineSettings) -> int:
    note = StagingDoor(settings).note()
    assert note is not None
    return note.pid


def _port(settings: PipelineSettings) -> int:
    return settings.staging_port
