"""A canary behind both real doors, while traffic runs: set, changed, failing, removed, promoted; no request fails."""

import itertools
import json
import sqlite3
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pytest

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.scoring.draw import is_drawn
from churn.stores.registry import RegisteredBundle
from tests.bundles import faulty_bundle
from tests.faults.conftest import Shop
from tests.faults.doors import Home, OpenDoor, wait_until
from tests.tracking import own_tracking

pytestmark = pytest.mark.slow
CHECK = "Mailed check"
PEOPLE = 40


@dataclass(frozen=True)
class Heard:
    """One answer: whom, by what door, with what status and by which version."""

    name: str
    door: str
    status: int
    version: str
    pays: str


class Crowd(threading.Thread):
    """Customers who ask both doors in turn, each always with the same row."""

    def __init__(self, doors: tuple[OpenDoor, OpenDoor], example: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self.doors, self._example = doors, example
        self.heard: list[Heard] = []
        self.breaks = 0
        self._stopping = threading.Event()

    def run(self) -> None:
        for number in itertools.count():
            if self._stopping.wait(0.003):
                return
            self._ask(self.doors[number % 2], (number // 2) % PEOPLE)

    def finish(self) -> None:
        self._stopping.set()
        self.join()

    def since(self, begin: int) -> list[Heard]:
        return self.heard[begin:]

    def _ask(self, door: OpenDoor, number: int) -> None:
        name, pays = f"c-{number}", CHECK if number % 4 == 0 else "Electronic check"
        try:
            status, found = door.predict({**self._example, "customerID": name, "PaymentMethod": pays}, wait=20.0)
        except OSError:
            self.breaks += 1
            return
        self.heard.append(Heard(name, door.kind, status, str(found.get("model_version")), pays))

    def turn(self) -> list[Heard]:
        """Wait until everybody was answered at both doors, from now on, and return that."""
        begin = len(self.heard)
        wait_until(lambda: len(self.heard) - begin >= 2 * PEOPLE + 2, "everybody has asked both doors", seconds=90)
        return self.since(begin)


@pytest.fixture
def version_of(shop: Shop, telco: Contract, tmp_path: Path) -> Callable[[str], RegisteredBundle]:
    """Register the second bundle, or the first one broken for one category, without any alias."""

    def register(which: str) -> RegisteredBundle:
        folder, logged = shop.folders["second"], shop.logged["second"]
        with own_tracking(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # mlflow's opinion of type hints
            mlflow.set_tracking_uri(shop.uri)
            if which == "failing":
                from pipelines.logged_model import log_bundle

                folder = tmp_path / "bundle"
                faulty_bundle(folder, shop.folders["first"], column="PaymentMethod", category=CHECK, fault="nan")
                with mlflow.start_run(run_id=shop.run_id):
                    logged = log_bundle(folder, telco)
            return shop.registry.register(shop.name, logged, run_id=shop.run_id, digest=digest_of(folder), tags={})

    return register


@pytest.fixture
def crowd(open_door: Callable[..., OpenDoor], telco: Contract) -> Iterator[Crowd]:
    doors = open_door("bento", workers=2), open_door("fastapi")
    crowd = Crowd((doors[0].ready(), doors[1].ready()), telco.example)
    crowd.start()
    yield crowd
    crowd.finish()


def give(shop: Shop, version: RegisteredBundle, share: float, crowd: Crowd) -> None:
    """Do what `churn canary set` does, and wait for all workers of both doors."""
    shop.registry.tag(version, {"canary_share": str(share), "canary_salt": "pepper"})
    shop.registry.move_alias(version, "canary")
    await_share(crowd, share)


def await_share(crowd: Crowd, share: float) -> None:
    """A door with two workers answers for one of them: it has to say so many times."""
    for door in crowd.doors:
        for _ in range(20):
            wait_until(lambda: _share(door) == share, f"the canary has {share}", seconds=90)  # noqa: B023


def _share(door: OpenDoor) -> float:
    return float((door.health()["canary"] or {"share": 0.0})["share"])


def drawn(share: float) -> set[str]:
    return {f"c-{number}" for number in range(PEOPLE) if is_drawn(f"c-{number}".encode(), share, "pepper")}


def by_version(heard: list[Heard], version: int) -> dict[str, set[str]]:
    return {door: {one.name for one in heard if (one.door, one.version) == (door, str(version))}
            for door in ("bento", "fastapi")}  # fmt: skip


@pytest.mark.usefixtures("on_disk")
def test_a_canary_comes_grows_is_promoted_and_goes_and_both_doors_agree_on_who_is_in_it(
    crowd: Crowd, home: Home, shop: Shop, version_of: Callable[[str], RegisteredBundle]
) -> None:
    version = version_of("second")
    for share in (0.3, 0.6, 1.0):
        give(shop, version, share, crowd)
        assert by_version(crowd.turn(), version.version) == dict.fromkeys(("bento", "fastapi"), drawn(share))

    begin = len(crowd.heard)
    shop.registry.move_production(version)
    await_share(crowd, 0.0)
    crowd.turn()
    since = crowd.since(begin)
    assert {one.version for one in since} == {str(version.version)}, "nobody goes back to the old version in between"

    shop.registry.clear_alias(shop.name, "canary")
    crowd.finish()
    assert ({one.status for one in crowd.heard}, crowd.breaks) == ({200}, 0)
    wait_until(lambda: len(home.stored_ids()) >= len(crowd.heard), "all is stored", seconds=60)
    with sqlite3.connect(home.database, timeout=20) as connection:
        query = "select distinct role, model_version, customer_id from predictions"
        stored = connection.execute(query).fetchall()
    connection.close()
    assert {name for role, number, name in stored if (role, number) == ("canary", version.version)} == drawn(1.0)
    assert {number for role, number, _ in stored if role == "production"} == {1, version.version}


@pytest.mark.usefixtures("on_disk")
def test_a_canary_that_fails_on_some_is_seen_in_the_counts_alone(
    crowd: Crowd, shop: Shop, version_of: Callable[[str], RegisteredBundle]
) -> None:
    version = version_of("failing")
    give(shop, version, 1.0, crowd)
    heard = crowd.turn()
    shop.registry.clear_alias(shop.name, "canary")
    await_share(crowd, 0.0)
    after = crowd.turn()
    crowd.finish()

    assert {one.version for one in heard if one.pays == CHECK} == {"1"}
    assert {one.version for one in heard if one.pays != CHECK} == {str(version.version)}
    assert {one.version for one in after} == {"1"}
    assert ({one.status for one in crowd.heard}, crowd.breaks) == ({200}, 0)
    for door in crowd.doors:
        counted = f'churn_canary_fallbacks_total{{door="{door.kind}",model_version="{version.version}"}}'
        wait_until(lambda: door.metric(counted) >= PEOPLE // 4, "what fell back is counted")  # noqa: B023
        assert json.dumps(door.health()["status"]) == '"ok"'
