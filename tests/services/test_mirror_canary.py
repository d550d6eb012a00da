"""The mirror and the alias `canary`; and what it does when our own log contradicts the registry, or is away."""

import shutil
from pathlib import Path

import pytest

from churn.errors import BundleError, StoreError
from churn.stores.database import open_migrated
from churn.stores.promotions import Move, PromotionLog
from services.exchange import CanaryPointer, CanaryState, Pointer, read_note
from services.mirror import Mirror
from services.registrations import LoggedRegistrations
from services.settings import ServiceSettings
from tests.bundles import as_format_1
from tests.services.shelf import Ledger, ShelfRegistry, version_in


@pytest.fixture
def registry(bundle_folder: Path, other_bundle: Path, tmp_path: Path) -> ShelfRegistry:
    """Version 1 in production; 2 and 3 beside it."""
    shelf = ShelfRegistry()
    third = shutil.copytree(other_bundle, tmp_path / "third")
    as_format_1(third)
    shelf.put(3, third)
    shelf.put(2, other_bundle)
    shelf.put(1, bundle_folder)
    return shelf


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def mirror(settings: ServiceSettings, registry: ShelfRegistry, ledger: Ledger) -> Mirror:
    return Mirror(settings, lambda: registry, ledger)


def pointer_in(settings: ServiceSettings) -> tuple[int, float, str] | None:
    found = read_note(CanaryPointer, settings.canary_file)
    return (found.version, found.share, found.salt) if found else None


def state_of(mirror: Mirror) -> CanaryState | None:
    return mirror.canary


def test_the_canary_is_brought_with_its_share_and_goes_with_its_alias(
    mirror: Mirror, registry: ShelfRegistry, settings: ServiceSettings
) -> None:
    registry.canary_alias = 2
    for _ in range(3):
        mirror.sync()

    assert pointer_in(settings) == (2, 0.2, "pepper")
    assert mirror.canary == CanaryState(version=2, share=0.2)
    assert registry.fetched == [1, 2]

    registry.tags = {"canary_share": "1.0", "canary_salt": "pepper"}
    mirror.sync()
    assert pointer_in(settings) == (2, 1.0, "pepper")

    registry.canary_alias = None
    mirror.sync()
    assert state_of(mirror) is None
    assert (pointer_in(settings), version_in(settings.pointer_file)) == (None, 1)


@pytest.mark.parametrize("share", ["", "0", "-0.1", "1.5", "nan", "inf", "a tenth"])
def test_a_share_that_is_none_is_no_canary_and_is_told_and_can_be_mended_at_once(
    mirror: Mirror, registry: ShelfRegistry, settings: ServiceSettings, share: str
) -> None:
    registry.canary_alias, registry.tags = 2, {"canary_share": share, "canary_salt": "pepper"}
    mirror.sync()

    assert pointer_in(settings) is None
    assert mirror.canary is not None
    assert (mirror.canary.version, mirror.canary.share) == (2, 0.0)
    assert "canary_share" in mirror.canary.problem

    registry.tags = {"canary_share": "0.5", "canary_salt": "pepper"}
    mirror.sync()
    assert pointer_in(settings) == (2, 0.5, "pepper")


def test_a_canary_whose_bundle_does_not_hold_answers_nobody_and_is_not_fetched_in_a_loop(
    mirror: Mirror, registry: ShelfRegistry, settings: ServiceSettings
) -> None:
    registry.canary_alias = 2
    mirror.sync()
    (registry.folders[3] / "model.onnx").write_bytes(b"not a graph")
    registry.canary_alias = 3
    for _ in range(3):
        mirror.sync()

    assert pointer_in(settings) is None
    assert mirror.canary is not None
    assert "model.onnx" in mirror.canary.problem
    assert registry.fetched == [1, 2, 3]
    assert (mirror.quarantined, version_in(settings.pointer_file)) == ({}, 1)


def test_a_canary_that_is_promoted_is_none_any_more(
    mirror: Mirror, registry: ShelfRegistry, settings: ServiceSettings
) -> None:
    registry.canary_alias = 2
    mirror.sync()
    registry.alias = 2
    mirror.sync()

    assert (version_in(settings.pointer_file), pointer_in(settings), mirror.canary) == (2, None, None)
    assert registry.fetched == [1, 2]


def test_a_canary_that_was_promoted_and_rolled_back_is_none_until_it_is_set_anew(
    mirror: Mirror, registry: ShelfRegistry, settings: ServiceSettings
) -> None:
    """Who rolls a bad version back forgets its other alias: it must not come back to a share of the customers."""
    registry.tags |= {"canary_since": "yesterday"}
    registry.canary_alias = 2
    for production in (1, 2, 1):
        registry.alias = production
        mirror.sync()

    assert (version_in(settings.pointer_file), pointer_in(settings)) == (1, None)
    assert mirror.canary is not None
    assert "canary set" in mirror.canary.problem

    registry.tags |= {"canary_since": "today"}
    mirror.sync()
    assert pointer_in(settings) == (2, 0.2, "pepper")


def test_the_canary_s_bundle_is_not_deleted_when_production_moves(
    settings: ServiceSettings, registry: ShelfRegistry
) -> None:
    mirror = Mirror(settings.model_copy(update={"kept_bundles": 1}), lambda: registry, Ledger())
    registry.canary_alias = 2
    mirror.sync()
    (settings.bundle_folder / ("0" * 64)).mkdir()
    settings.pointer_file.unlink()
    mirror.sync()

    left = {path.name for path in settings.bundle_folder.iterdir() if path.is_dir()}
    assert left == {registry.digests[1], registry.digests[2]}


def test_doors_of_another_alias_have_no_canary_and_no_shadow(
    settings: ServiceSettings, registry: ShelfRegistry
) -> None:
    registry.canary_alias = registry.shadow_alias = 2
    registry.others = {"staging": 3}
    mirror = Mirror(settings.model_copy(update={"alias": "staging"}), lambda: registry, Ledger())
    mirror.sync()

    assert version_in(settings.pointer_file) == 3
    assert (settings.canary_file.exists(), settings.shadow_file.exists()) == (False, False)


def test_a_version_that_our_log_knows_otherwise_is_quarantined_and_never_fetched(
    mirror: Mirror, registry: ShelfRegistry, settings: ServiceSettings, ledger: Ledger
) -> None:
    mirror.sync()
    ledger.answers = {2: BundleError("not what was registered"), 3: BundleError("not what was registered")}
    registry.alias, registry.canary_alias, registry.shadow_alias = 2, 3, 3
    mirror.sync()

    assert mirror.quarantined == {"2": "not what was registered"}
    assert (version_in(settings.pointer_file), pointer_in(settings), mirror.bad_shadow) == (
        1, None, (3, "not what was registered"),
    )  # fmt: skip
    assert registry.fetched == [1]


def test_while_our_log_is_away_a_home_that_serves_waits_and_a_cold_one_believes_the_registry(
    mirror: Mirror, registry: ShelfRegistry, settings: ServiceSettings, ledger: Ledger
) -> None:
    away = StoreError("the database is away")
    ledger.answers = {1: away, 2: away, 3: away}
    mirror.sync()
    assert version_in(settings.pointer_file) == 1
    assert mirror.waiting == ""

    registry.alias, registry.canary_alias, registry.shadow_alias = 2, 3, 3
    mirror.sync()
    assert (version_in(settings.pointer_file), pointer_in(settings), version_in(settings.shadow_file)) == (
        1,
        None,
        None,
    )
    assert (mirror.waiting, mirror.problem, mirror.quarantined) == ("the database is away", "", {})

    ledger.answers = {}
    mirror.sync()
    assert (version_in(settings.pointer_file), version_in(settings.shadow_file)) == (2, 3)
    assert mirror.waiting == ""


def test_our_log_is_the_sql_store_s(settings: ServiceSettings) -> None:
    with pytest.raises(StoreError):
        LoggedRegistrations(settings).require("churn", 2, "b" * 64)

    engine = open_migrated(settings.database_url)
    log = PromotionLog(engine)
    move = Move("churn", "register", None, 1, "test", alias="")
    log.finish(log.prepare(move, reason="", details={"digest": "a" * 64}), "done", details={"digest": "a" * 64})
    registrations = LoggedRegistrations(settings)
    registrations.require("churn", 1, "a" * 64)
    for version, digest in ((1, "b" * 64), (2, "a" * 64)):
        with pytest.raises(BundleError):
            registrations.require("churn", version, digest)
    engine.dispose()


def test_a_pointer_of_before_the_canary_is_read_as_ever(settings: ServiceSettings) -> None:
    settings.bundle_folder.mkdir(parents=True)
    settings.canary_file.write_text('{"name": "churn", "version": 2, "digest": "' + "a" * 64 + '"}')

    assert read_note(CanaryPointer, settings.canary_file) is None
    assert read_note(Pointer, settings.canary_file) is not None
