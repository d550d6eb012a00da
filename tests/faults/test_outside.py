"""Somebody moves production in MLflow, past us: doors follow to what was registered here, and to nothing else."""

from collections.abc import Callable

import mlflow
import pytest

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.stores.agreement import strays
from churn.stores.database import open_migrated
from churn.stores.promotions import Move, PromotionLog
from monitoring.production import moved_outside
from monitoring.settings import MonitoringSettings
from pipelines.register import note_registered
from pipelines.settings import PipelineSettings
from tests.faults.conftest import Shop
from tests.faults.doors import Home, OpenDoor, attendants, wait_until
from tests.faults.tally import tell
from tests.tracking import own_tracking

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 120.0
SURELY_SEEN = 3
"""Looks of the attendant at the registry after which it has seen what there is to see."""


@pytest.fixture
def log(home: Home, shop: Shop, on_disk: int) -> PromotionLog:
    """Version 1 in production, and our log knows how it came there."""
    engine = open_migrated(f"sqlite:///{home.database}")
    log = PromotionLog(engine)
    settings = PipelineSettings(home=home.folder, model=shop.name, tracking=shop.uri)
    with own_tracking():
        note_registered(shop.registry.version(shop.name, on_disk), "a test", "made for it", settings=settings)
    log.note(Move(shop.name, "promote", None, on_disk, "a test"), reason="to begin with")
    return log


def moved_by_hand(shop: Shop, version: int) -> None:
    with own_tracking():
        mlflow.MlflowClient(shop.uri).set_registered_model_alias(shop.name, "production", str(version))


def registered_by_hand(shop: Shop, which: str, *, digest: str | None = None) -> int:
    with own_tracking():
        mlflow.set_tracking_uri(shop.uri)
        made = shop.registry.register(
            shop.name,
            shop.logged[which],
            run_id=shop.run_id,
            digest=digest or digest_of(shop.folders[which]),
            tags={},
        )
    return made.version


def test_a_move_behind_our_back_is_told_and_followed_only_to_what_was_registered_here(
    open_door: Callable[..., OpenDoor], shop: Shop, telco: Contract, log: PromotionLog
) -> None:
    door = open_door("fastapi").ready()
    home, first = door.home, log.last_of_each(shop.name)["production"].to_version
    eyes = MonitoringSettings(home=home.folder, model=shop.name, tracking=shop.uri)
    settings = PipelineSettings(home=home.folder, model=shop.name, tracking=shop.uri)
    known = registered_by_hand(shop, "second")
    note_registered(shop.registry.version(shop.name, known), "a test", "as ours are", settings=settings)
    wait_until(lambda: attendants(home), "an attendant is at work", seconds=PATIENCE_SECONDS)
    assert strays(shop.registry, log, shop.name) == []

    moved_by_hand(shop, known)
    wait_until(lambda: serves(door, telco, known), "the door follows", seconds=PATIENCE_SECONDS)
    told = [(stray.alias, stray.version, stray.logged) for stray in moved_outside(eyes)]

    strangers = [registered_by_hand(shop, "first"), registered_by_hand(shop, "bad")]
    for stranger in strangers:
        moved_by_hand(shop, stranger)
        wait_until(lambda: str(stranger) in door.health()["quarantined"], "it is refused", seconds=PATIENCE_SECONDS)  # noqa: B023
        looked_again(door)
        assert serves(door, telco, known)
    exchanged(shop, known)
    moved_by_hand(shop, known)
    wait_until(lambda: str(known) in door.health()["quarantined"], "the exchanged one too", seconds=PATIENCE_SECONDS)
    looked_again(door)

    assert serves(door, telco, known)
    assert told == [("production", known, first)]
    assert [(stray.alias, stray.version) for stray in moved_outside(eyes)] == [("production", known)]
    tell("T2", "production moved by MLflow's client", faults=4, followed=1, refused=3)


def serves(door: OpenDoor, telco: Contract, version: int) -> bool:
    return bool(door.predict(telco.example)[1]["model_version"] == str(version))


def exchanged(shop: Shop, version: int) -> None:
    """Let a version of ours name the digest of another bundle."""
    with own_tracking():
        bundle = shop.registry.version(shop.name, version)
        shop.registry.tag(bundle, {"manifest_sha256": digest_of(shop.folders["first"])})


def looked_again(door: OpenDoor) -> None:
    """Wait until the attendant has looked some more times."""
    for _ in range(SURELY_SEEN):
        last = door.metric("churn_registry_last_sync_timestamp_seconds")
        wait_until(
            lambda: door.metric("churn_registry_last_sync_timestamp_seconds") > last,  # noqa: B023
            "the attendant looks at the registry",
            seconds=PATIENCE_SECONDS,
        )
