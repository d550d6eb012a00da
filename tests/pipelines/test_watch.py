import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn.contract.contract import Contract
from churn.stores.database import open_database, open_migrated
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import Move, PromotionLog
from churn.stores.registry import ModelRegistry
from churn.stores.stage_runs import StageRunLog
from cli.main import app
from pipelines.moves import Order
from pipelines.parameters import read_parameters
from pipelines.settings import PipelineSettings
from pipelines.watch import Watched, watch
from pipelines.watching.parameters import WatchParameters
from tests.pipelines.releasing_town import scored, two_versions
from tests.pipelines.watching.pages import USUAL, Door, Shown, open_door

QUICK = [0.0008] * 40
SERVED = USUAL.after(2, QUICK)
ORDER = Order("a test", "the test wants it")


@pytest.fixture(scope="module")
def settings(bundle_folder: Path, telco: Contract, tmp_path_factory: pytest.TempPathFactory) -> PipelineSettings:
    """Two versions of one bundle."""
    return two_versions(bundle_folder, telco, tmp_path_factory.mktemp("watched"))


@pytest.fixture
def scene(settings: PipelineSettings) -> Iterator[tuple[PipelineSettings, Door]]:
    """Version 2 has just taken production from version 1; a door serves it."""
    registry = ModelRegistry(settings.tracking_uri)
    engine = open_migrated(settings.database_url)
    log = PromotionLog(engine)
    registry.move_production(registry.version(settings.model, 1))
    move = Move(settings.model, "promote", from_version=1, to_version=2, actor="a test")
    move_id = log.prepare(move, reason="the test wants it")
    registry.move_production(registry.version(settings.model, 2))
    log.finish(move_id, "done")
    engine.dispose()
    with open_door() as door:
        door.shown = SERVED
        yield settings.model_copy(update={"doors": (door.url,)}), door


def looked(settings: PipelineSettings, **changes: object) -> Watched:
    parameters = read_parameters("watch", WatchParameters, **{"seconds": 0.6, "every": 0.1, **changes})
    return watch(2, ORDER, parameters, settings=settings)


def in_production(settings: PipelineSettings) -> int:
    found = ModelRegistry(settings.tracking_uri).production(settings.model)
    assert found is not None
    return found.version


def when_asked(door: Door, times: int, do: Callable[[], None]) -> threading.Thread:
    """Do something once the door was asked so often."""

    def wait() -> None:
        deadline = time.monotonic() + 60
        while door.asked < times and time.monotonic() < deadline:
            time.sleep(0.01)
        do()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def show(door: Door, shown: Shown) -> Callable[[], None]:
    return lambda: setattr(door, "shown", shown)


def test_a_version_that_does_its_work_stays(scene: tuple[PipelineSettings, Door]) -> None:
    settings, door = scene
    growing = when_asked(door, 2, show(door, SERVED.after(2, QUICK)))

    found = looked(settings)
    growing.join()

    assert (found.ending, found.predictions, found.before) == ("good", 40, 1)
    assert in_production(settings) == 2
    (run,) = StageRunLog.at(settings.database_url).recent(settings.model, "watch", 1)
    assert run.words.startswith("version 2 holds: 40 predictions and 0 failures")


def test_a_version_that_fails_is_rolled_back_and_the_audit_says_why(scene: tuple[PipelineSettings, Door]) -> None:
    settings, door = scene
    failing = when_asked(door, 3, show(door, SERVED.after(2, QUICK, failed=20)))

    found = looked(settings, seconds=60)
    failing.join()

    assert (found.ending, found.before, in_production(settings)) == ("rolled_back", 1, 1)
    assert found.back_after_seconds is not None
    assert found.back_after_seconds < 60
    engine = open_database(settings.database_url)
    (move, *_) = PromotionLog(engine).history(settings.model, 1)
    engine.dispose()
    assert (move.action, move.status) == ("rollback", "done")
    assert move.reason.startswith("watch: 20 of 60 of its customers could not be scored")


def test_no_door_is_no_pass_and_no_reason_to_roll_back(scene: tuple[PipelineSettings, Door]) -> None:
    settings, _ = scene

    found = looked(settings.model_copy(update={"doors": ("http://127.0.0.1:9",)}))

    assert (found.ending, found.reasons) == ("unseen", ("no door answered: http://127.0.0.1:9",))
    assert in_production(settings) == 2


def test_a_version_that_nobody_asked_is_no_pass(scene: tuple[PipelineSettings, Door]) -> None:
    settings, _ = scene

    assert looked(settings).reasons == ("0 predictions came, and fewer than 1 say nothing",)


def test_a_version_that_somebody_took_out_is_not_rolled_back_once_more(scene: tuple[PipelineSettings, Door]) -> None:
    settings, door = scene
    registry = ModelRegistry(settings.tracking_uri)
    moving = when_asked(door, 2, lambda: registry.move_production(registry.version(settings.model, 1)))

    found = looked(settings, seconds=20)
    moving.join()

    assert found.ending == "superseded"
    assert in_production(settings) == 1


def test_recorded_predictions_that_the_bundle_does_not_say_roll_it_back(
    scene: tuple[PipelineSettings, Door], bundle_folder: Path, telco: Contract
) -> None:
    settings, _ = scene
    right = scored(bundle_folder, telco, settings)
    engine = open_database(settings.database_url)
    PredictionStore(engine).add([dataclasses.replace(right, prediction_id=f"right-{n}") for n in range(40)])
    wrong = dataclasses.replace(right, probability=right.probability + 0.01)
    PredictionStore(engine).add([dataclasses.replace(wrong, prediction_id=f"wrong-{n}") for n in range(3)])
    engine.dispose()

    found = looked(settings, seconds=20)

    assert found.reasons == ("3 of 43 recorded predictions are not what its bundle says",)
    assert in_production(settings) == 1


@pytest.mark.parametrize(("ending", "status"), [("good", 0), ("unseen", 3)])
def test_the_command_s_exit_status_says_how_it_ended(
    scene: tuple[PipelineSettings, Door], monkeypatch: pytest.MonkeyPatch, ending: str, status: int
) -> None:
    settings, door = scene
    monkeypatch.setenv("CHURN_HOME", str(settings.home))
    when_asked(door, 2, show(door, SERVED.after(2, QUICK))).join(0)
    url = door.url if ending == "good" else "http://127.0.0.1:9"

    done = CliRunner().invoke(app, ["watch", "--seconds", "0.6", "--every", "0.1", "--doors", url, "--json"])

    assert done.exit_code == status
    assert json.loads(done.stdout)["ending"] == ending


def test_watching_a_version_that_is_not_in_production_is_refused(scene: tuple[PipelineSettings, Door]) -> None:
    settings, _ = scene

    with pytest.raises(Exception, match="version 2 is in production: `churn promote --version N` comes before"):
        watch(1, ORDER, WatchParameters(), settings=settings)
