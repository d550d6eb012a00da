"""Releases through a real registry and store; the door is made by hand, so that it can go wrong on purpose."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from churn.contract.contract import Contract
from churn.errors import ConflictError, NotFoundError, UsageError
from churn.stores.database import open_migrated
from churn.stores.promotions import PromotionLog
from churn.stores.registry import ModelRegistry
from churn.stores.releases import Release
from pipelines.moves import Order
from pipelines.release import releases, start, stop
from pipelines.settings import PipelineSettings
from pipelines.tracking import open_tracking
from tests.pipelines.releasing_town import Town, scored, two_versions
from tests.pipelines.watching.pages import Shown, open_door

pytestmark = pytest.mark.slow
STAGE = {"seconds": 0, "predictions": 30, "at_most_seconds": 60}
WATCH = {"seconds": 1, "every": 0.2}
ORDER = Order("a test", "better on newer customers", is_override=True)


class Killed(BaseException):
    """What no process can answer to."""


@pytest.fixture(scope="module")
def home(bundle_folder: Path, telco: Contract, tmp_path_factory: pytest.TempPathFactory) -> PipelineSettings:
    return two_versions(bundle_folder, telco, tmp_path_factory.mktemp("released"))


@pytest.fixture
def town(home: PipelineSettings, bundle_folder: Path, telco: Contract) -> Iterator[Town]:
    """Version 1 is in production, and nothing else has an alias."""
    registry = ModelRegistry(home.tracking_uri)
    registry.move_production(registry.version(home.model, 1))
    for alias in ("canary", "shadow"):
        registry.clear_alias(home.model, alias)
    open_tracking(home)
    with open_door() as door:
        settings = home.model_copy(update={"doors": (door.url,)})
        made = Town(settings, scored(bundle_folder, telco, home))
        door.tell = made.text
        yield made


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., Path]:
    def write(**changes: object) -> Path:
        path = tmp_path / "plan.yaml"
        shares = [{"share": 0.1, **STAGE}, {"share": 1.0, **STAGE}]
        path.write_text(yaml.safe_dump({"shadow": STAGE, "canary": shares, "watch": WATCH, **changes}))
        return path

    return write


def aliases(town: Town) -> dict[str, int]:
    return ModelRegistry(town.settings.tracking_uri).aliases(town.settings.model)


def newest(town: Town) -> Release:
    return releases(settings=town.settings, limit=1)[0]


def test_a_version_goes_all_the_way_and_the_log_holds_every_move(town: Town, plan: Callable[..., Path]) -> None:
    said: list[str] = []

    found = start(2, ORDER, plan(), settings=town.settings, say=said.append)

    assert (found.status, found.stage, aliases(town)) == ("done", "watch", {"production": 2})
    ways = [each for each in dict.fromkeys(town.seen) if each != (1, None, None)]
    assert ways == [(1, None, 2), (1, 2, None), (2, None, None)]
    moves = [
        one
        for one in PromotionLog(open_migrated(town.settings.database_url)).history(town.settings.model)
        if one.status == "done"
    ]
    assert [(one.alias, one.action) for one in reversed(moves)] == [
        ("shadow", "give"),
        ("shadow", "take"),
        ("canary", "give"),
        ("canary", "give"),
        ("production", "promote"),
        ("canary", "take"),
    ]
    assert any(line.startswith("shadow: ") for line in said)


def test_a_canary_that_fails_is_stopped_and_taken_back(town: Town, plan: Callable[..., Path]) -> None:
    town.spoil = lambda shown, role: failing(shown) if role == "canary" else shown

    found = start(2, ORDER, plan(shadow=None), settings=town.settings)

    assert (found.status, found.stage, aliases(town)) == ("stopped", "canary-1", {"production": 1})
    assert "of its customers could not be scored" in found.words


def test_a_shadow_that_promises_next_to_nothing_is_stopped(town: Town, plan: Callable[..., Path]) -> None:
    town.profit = 1.0

    found = start(2, ORDER, plan(shadow={**STAGE, "predictions": 100_000}), settings=town.settings)

    assert (found.status, aliases(town)) == ("stopped", {"production": 1})
    assert "per customer, less than 50% of the 10." in found.words


def test_a_promotion_that_goes_wrong_is_rolled_back_and_no_canary_is_left(
    town: Town, plan: Callable[..., Path]
) -> None:
    """Blue-green: one canary of share 1.0."""
    town.spoil = lambda shown, role: failing(shown) if role == "production" else shown
    blue_green = plan(shadow=None, canary=[{"share": 1.0, **STAGE}], watch={"seconds": 60, "every": 0.2})

    found = start(2, ORDER, blue_green, settings=town.settings)

    assert (found.status, found.stage, aliases(town)) == ("rolled_back", "watch", {"production": 1})
    assert "was rolled back to version 1" in found.words


def test_the_gate_s_no_ends_it_without_a_canary_left(town: Town, plan: Callable[..., Path]) -> None:
    found = start(2, Order("a test", "hopeful"), plan(shadow=None), settings=town.settings)

    assert (found.status, found.stage, aliases(town)) == ("rejected", "promote", {"production": 1})
    assert "the gate rejects it: " in found.words


def test_a_release_whose_process_was_killed_is_taken_up_at_its_stage(town: Town, plan: Callable[..., Path]) -> None:
    def kill_at_the_second_canary(words: str) -> None:
        if words.endswith("canary-2"):
            raise Killed

    with pytest.raises(Killed):
        start(2, ORDER, plan(shadow=None), settings=town.settings, say=kill_at_the_second_canary)
    left = newest(town)
    assert (left.status, left.stage, aliases(town)) == ("running", "canary-2", {"production": 1, "canary": 2})

    with pytest.raises(ConflictError, match=r"version 2 of churn is being released \(canary-2\)"):
        start(3, ORDER, plan(shadow=None), settings=town.settings)
    found = start(2, ORDER, settings=town.settings)

    assert (found.id, found.status, aliases(town)) == (left.id, "done", {"production": 2})


def test_a_release_whose_process_was_killed_can_be_stopped(town: Town, plan: Callable[..., Path]) -> None:
    def kill(words: str) -> None:
        if words.endswith("canary-2"):
            raise Killed

    with pytest.raises(Killed):
        start(2, ORDER, plan(shadow=None), settings=town.settings, say=kill)
    assert aliases(town) == {"production": 1, "canary": 2}

    found = stop(Order("Grace", "enough"), settings=town.settings)

    assert (found.status, found.words) == ("stopped", "stopped at canary-2 by Grace: enough")
    assert aliases(town) == {"production": 1}
    with pytest.raises(NotFoundError, match="no release is under way"):
        stop(ORDER, settings=town.settings)


def test_a_release_at_work_hears_that_it_is_to_stop(town: Town, plan: Callable[..., Path]) -> None:
    endless = plan(shadow=None, canary=[{"share": 0.1, **STAGE, "predictions": 1_000_000}])
    ended: list[Release] = []
    stopping: list[threading.Thread] = []

    def stop_it(words: str) -> None:
        if "served by" in words and not stopping:
            stopping.append(threading.Thread(target=lambda: ended.append(stop(ORDER, settings=town.settings))))
            stopping[0].start()

    found = start(2, ORDER, endless, settings=town.settings, say=stop_it)
    stopping[0].join(60)

    assert (found.status, found.words) == ("stopped", "somebody stopped it at canary-1")
    assert ended == [found]
    assert aliases(town) == {"production": 1}


def test_ctrl_c_takes_the_canary_back(town: Town, plan: Callable[..., Path]) -> None:
    def press(words: str) -> None:
        if "served by" in words:
            raise KeyboardInterrupt

    found = start(2, ORDER, plan(shadow=None), settings=town.settings, say=press)

    assert (found.status, found.words) == ("stopped", "interrupted at canary-1")
    assert aliases(town) == {"production": 1}


def test_production_that_somebody_moves_meanwhile_stops_it(town: Town, plan: Callable[..., Path]) -> None:
    endless = plan(shadow=None, canary=[{"share": 0.1, **STAGE, "predictions": 1_000_000}])
    registry = ModelRegistry(town.settings.tracking_uri)

    def move(words: str) -> None:
        if "served by" in words:
            registry.move_production(registry.version(town.settings.model, 2))

    found = start(2, ORDER, endless, settings=town.settings, say=move)

    assert found.words == "production is 2 and was 1: somebody moved it meanwhile"


def test_the_version_in_production_is_not_released(town: Town) -> None:
    with pytest.raises(UsageError, match="version 1 is in production already"):
        start(1, ORDER, settings=town.settings)


def failing(shown: Shown) -> Shown:
    return shown.after(2, [], failed=30)
