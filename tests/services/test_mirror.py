import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from churn.errors import BundleError, StoreError
from churn.stores.registry import RegisteredBundle
from services.mirror import Mirror, connect_registry
from services.settings import ServiceSettings
from tests.services.shelf import Ledger, ShelfRegistry, version_in


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def registry() -> ShelfRegistry:
    return ShelfRegistry()


@pytest.fixture
def mirror(settings: ServiceSettings, registry: ShelfRegistry, ledger: Ledger) -> Mirror:
    return Mirror(settings, lambda: registry, ledger)


@pytest.fixture
def pointed(settings: ServiceSettings) -> Callable[[], int | None]:
    return lambda: version_in(settings.pointer_file)


@pytest.fixture
def bundles(bundle_folder: Path, other_bundle: Path, tmp_path: Path) -> tuple[Path, Path, Path]:
    return bundle_folder, other_bundle, shutil.copytree(other_bundle, tmp_path / "broken")


def test_production_is_brought_once_and_pointed_at(
    mirror: Mirror, registry: ShelfRegistry, bundle_folder: Path, pointed: Callable[[], int | None]
) -> None:
    registry.put(3, bundle_folder)
    for _ in range(3):
        mirror.sync()

    assert pointed() == 3
    assert registry.fetched == [3]
    assert mirror.problem == ""
    assert mirror.last_sync > 0


def test_an_empty_registry_is_up_and_points_nowhere(mirror: Mirror, pointed: Callable[[], int | None]) -> None:
    mirror.sync()

    assert (pointed(), mirror.problem) == (None, "")


def test_a_registry_that_is_away_leaves_the_last_good_one(
    mirror: Mirror, registry: ShelfRegistry, bundle_folder: Path, pointed: Callable[[], int | None]
) -> None:
    registry.put(3, bundle_folder)
    mirror.sync()
    registry.is_away = True
    mirror.sync()

    assert pointed() == 3
    assert "away" in mirror.problem


def test_a_bad_bundle_is_quarantined_and_not_fetched_in_a_loop(
    mirror: Mirror, registry: ShelfRegistry, bundles: tuple[Path, Path, Path], pointed: Callable[[], int | None]
) -> None:
    bundle_folder, other_bundle, broken = bundles
    registry.put(1, bundle_folder)
    mirror.sync()
    registry.put(2, broken)
    (broken / "model.onnx").write_bytes(b"not a graph")
    for _ in range(5):
        mirror.sync()

    assert pointed() == 1
    assert registry.fetched == [1, 2]
    assert "model.onnx" in mirror.quarantined["2"]

    registry.put(3, other_bundle)
    mirror.sync()
    assert pointed() == 3


@pytest.mark.parametrize("digest", ["", "../../outside", "0" * 63, "A" * 64])
def test_a_version_without_a_proper_digest_is_quarantined(
    mirror: Mirror, registry: ShelfRegistry, bundle_folder: Path, digest: str
) -> None:
    registry.put(1, bundle_folder, digest=digest)
    mirror.sync()

    assert "without its digest" in mirror.quarantined["1"]
    assert registry.fetched == []


def test_a_copy_that_rotted_on_disk_is_fetched_again(
    mirror: Mirror, registry: ShelfRegistry, settings: ServiceSettings, bundle_folder: Path
) -> None:
    registry.put(1, bundle_folder)
    mirror.sync()
    settings.pointer_file.unlink()
    (settings.bundle_folder / registry.digests[1] / "model.onnx").write_bytes(b"rot")
    mirror.sync()

    assert registry.fetched == [1, 1]
    assert mirror.quarantined == {}


def test_old_bundles_are_deleted_and_the_current_one_never(
    mirror: Mirror, registry: ShelfRegistry, settings: ServiceSettings, bundle_folder: Path
) -> None:
    for number in range(5):
        (settings.bundle_folder / (f"{number}" * 64)).mkdir(parents=True)
    registry.put(1, bundle_folder)
    mirror.sync()

    left = {path.name for path in settings.bundle_folder.iterdir() if path.is_dir()}
    assert len(left) == settings.kept_bundles
    assert registry.digests[1] in left


def test_what_a_killed_download_left_is_removed_once_it_is_old(
    mirror: Mirror, registry: ShelfRegistry, settings: ServiceSettings, bundle_folder: Path
) -> None:
    old, young = settings.bundle_folder / ".fetching-old", settings.bundle_folder / ".fetching-young"
    for folder in (old, young):
        (folder / "bundle").mkdir(parents=True)
    os.utime(old, (0, 0))
    registry.put(1, bundle_folder)
    mirror.sync()

    assert young.exists()
    assert not old.exists()


def test_a_local_registry_that_nobody_made_is_away_and_not_made(settings: ServiceSettings, tmp_path: Path) -> None:
    tracking = f"sqlite:///{tmp_path / 'none.db'}"

    with pytest.raises(StoreError, match="churn ring"):
        connect_registry(settings.model_copy(update={"tracking": tracking}))
    assert not (tmp_path / "none.db").exists()


def test_a_failing_registry_does_not_end_the_mirror(settings: ServiceSettings) -> None:
    class Failing(ShelfRegistry):
        def fetch_bundle(self, bundle: RegisteredBundle, folder: Path) -> Path:
            raise BundleError(f"{bundle.version} in {folder} is not what was registered")

    registry = Failing()
    registry.digests[1], registry.alias = "0" * 64, 1
    mirror = Mirror(settings, lambda: registry, Ledger())
    mirror.sync()

    assert "not what was registered" in mirror.quarantined["1"]


@pytest.fixture
def both(settings: ServiceSettings) -> Callable[[], tuple[int | None, int | None]]:
    """Versions of production and of the shadow on disk."""
    return lambda: (version_in(settings.pointer_file), version_in(settings.shadow_file))


Both = Callable[[], tuple[int | None, int | None]]


def test_a_shadow_is_brought_beside_production_and_goes_with_its_alias(
    mirror: Mirror, registry: ShelfRegistry, bundles: tuple[Path, Path, Path], both: Both
) -> None:
    registry.put(2, bundles[1])
    registry.put(1, bundles[0])
    registry.shadow_alias = 2
    for _ in range(3):
        mirror.sync()

    assert both() == (1, 2)
    assert registry.fetched == [1, 2]

    registry.shadow_alias = None
    mirror.sync()
    assert both() == (1, None)


def test_a_bad_shadow_is_held_back_and_production_is_followed_as_ever(
    mirror: Mirror, registry: ShelfRegistry, bundles: tuple[Path, Path, Path], both: Both
) -> None:
    bundle_folder, other_bundle, broken = bundles
    registry.put(2, broken)
    registry.put(1, bundle_folder)
    (broken / "model.onnx").write_bytes(b"not a graph")
    registry.shadow_alias = 2
    for _ in range(3):
        mirror.sync()

    assert both() == (1, None)
    assert mirror.bad_shadow is not None
    assert mirror.bad_shadow[0] == 2
    assert "model.onnx" in mirror.bad_shadow[1]
    assert mirror.quarantined == {}
    assert registry.fetched == [1, 2]

    registry.put(4, other_bundle)
    registry.alias, registry.shadow_alias = 1, 4
    mirror.sync()
    assert (both(), mirror.bad_shadow) == ((1, 4), None)


def test_a_shadow_that_moves_to_a_bad_version_is_no_longer_the_old_one(
    mirror: Mirror, registry: ShelfRegistry, bundles: tuple[Path, Path, Path], both: Both
) -> None:
    bundle_folder, other_bundle, broken = bundles
    registry.put(3, broken)
    registry.put(2, other_bundle)
    registry.put(1, bundle_folder)
    (broken / "model.onnx").write_bytes(b"not a graph")
    for version, expected in ((3, None), (2, 2), (3, None)):
        registry.shadow_alias = version
        mirror.sync()
        assert both() == (1, expected)


def test_the_shadow_s_bundle_is_not_deleted_when_production_moves(
    settings: ServiceSettings, registry: ShelfRegistry, bundles: tuple[Path, Path, Path]
) -> None:
    mirror = Mirror(settings.model_copy(update={"kept_bundles": 1}), lambda: registry, Ledger())
    registry.put(2, bundles[1])
    registry.shadow_alias = 2
    registry.put(1, bundles[0])
    mirror.sync()
    (settings.bundle_folder / ("0" * 64)).mkdir()
    settings.pointer_file.unlink()
    mirror.sync()

    left = {path.name for path in settings.bundle_folder.iterdir() if path.is_dir()}
    assert left == {registry.digests[1], registry.digests[2]}


def test_a_registry_that_is_just_being_made_is_left_alone(settings: ServiceSettings) -> None:
    """Two processes that make MLflow's tables at the same time break each other."""
    settings.home.mkdir(parents=True)
    file = settings.home / "mlflow.db"
    for statement in ("CREATE TABLE experiments (id)", "CREATE TABLE alembic_version (version_num)"):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(statement)
        with pytest.raises(StoreError, match="is being made"):
            connect_registry(settings)

    with closing(sqlite3.connect(file)) as connection:
        assert len(connection.execute("SELECT name FROM sqlite_master").fetchall()) == 2
