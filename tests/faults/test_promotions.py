import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from churn.contract.contract import Contract
from churn.stores.database import open_migrated
from churn.stores.promotions import Move, PromotionLog
from pipelines.moves import Order
from pipelines.promote import rollback
from pipelines.settings import PipelineSettings
from tests.faults.amounts import amount
from tests.faults.conftest import Shop
from tests.faults.doors import Home, Load, OpenDoor, attendants, wait_until
from tests.faults.load import OpenLoad
from tests.faults.scores import customers, offline_scores, wrong_scores
from tests.faults.tally import counted, require_each_stored_once, tell
from tests.tracking import own_tracking

pytestmark = pytest.mark.slow

RATE = 100.0
"""At each door."""

EFFECT_SECONDS = 5.0


@dataclass(frozen=True)
class _Moves:
    """The audit that `churn promote` keeps and `churn rollback` reads."""

    home: Home

    @property
    def _settings(self) -> PipelineSettings:
        environment = self.home.environment
        return PipelineSettings(
            home=self.home.folder, model=environment["CHURN_MODEL"], tracking=environment["CHURN_TRACKING_URI"]
        )

    def note(self, before: int, after: int) -> None:
        log = PromotionLog(open_migrated(self._settings.database_url))
        move = Move(self._settings.model, "promote", from_version=before, to_version=after, actor="test")
        log.finish(log.prepare(move, reason="the test wants it"), "done")

    def roll_back(self) -> int:
        with own_tracking():
            return rollback(Order("test", "the test wants it"), settings=self._settings).version


def live_workers(door: OpenDoor, version: int) -> int:
    text = door.ask("GET", "/metrics")[1].decode().splitlines()
    return sum(
        round(float(line.rpartition(" ")[2]))
        for line in text
        if line.startswith("churn_model_info{") and f'version="{version}"' in line
    )


def test_no_promotion_or_rollback_fails_a_request_and_every_answer_is_its_versions_own(
    open_door: Callable[..., OpenDoor], shop: Shop, telco: Contract, on_disk: int
) -> None:
    doors = [open_door("bento", workers=2).ready(), open_door("fastapi", workers=2).ready()]
    for door in doors:
        wait_until(lambda: live_workers(door, on_disk) == 2, "both workers serve")  # noqa: B023
    wait_until(lambda: attendants(doors[0].home), "an attendant is at work")
    sent, folders, took = customers(telco), {str(on_disk): shop.folders["first"]}, []
    moves = _Moves(doors[0].home)
    loads = [OpenLoad(door.port, sent, name=door.kind, rate=RATE).start() for door in doors]
    production = on_disk
    for number in range(amount("swaps")):
        if number % 2 == 0:
            before, production = production, shop.promote("second")
            folders[str(production)] = shop.folders["second"]
            moves.note(before, production)
        else:
            production = moves.roll_back()
        took.append(wait_until(lambda: all(live_workers(door, production) == 2 for door in doors), "all follow"))  # noqa: B023
    wait_until(lambda: sum(len(load.answers) for load in loads) >= amount("swap requests"), "enough", seconds=900)
    for load in loads:
        load.finish()

    assert [(load.failed, load.breaks) for load in loads] == [({}, 0), ({}, 0)]
    scores = {version: offline_scores(folder, sent) for version, folder in folders.items()}
    answers = [each for load in loads for each in load.answers]
    assert wrong_scores(answers, scores) == []
    assert {each.version for each in answers} == set(folders)
    assert max(took) <= EFFECT_SECONDS, took
    stored = require_each_stored_once(doors[0].home, loads)
    tell("T1", "promotions and rollbacks under load, two workers at each door", faults=len(took), **counted(loads),
         **stored, worst_effect_seconds=round(max(took), 2),
         worst_answer_seconds=round(max(load.worst_seconds() for load in loads), 3))  # fmt: skip


def test_a_bad_bundle_never_replaces_a_good_one(
    open_door: Callable[..., OpenDoor], shop: Shop, telco: Contract, on_disk: int
) -> None:
    door = open_door("fastapi").ready()
    wait_until(lambda: attendants(door.home), "an attendant is at work")
    load = Load(door, "load", telco.example)
    load.start()
    bad = [shop.promote("bad"), shop.promote("second", digest="0" * 64)]
    wait_until(lambda: str(bad[-1]) in door.health()["quarantined"], "it is quarantined")
    time.sleep(2)
    load.finish()

    assert set(load.answered.values()) == {str(on_disk)}
    assert load.failures == []
    assert door.metric("churn_bundles_quarantined") >= 1

    good = shop.promote("second")
    wait_until(lambda: door.predict(telco.example)[1]["model_version"] == str(good), "a good one is followed")
