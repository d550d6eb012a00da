"""A real registry for the session, and homes with doors that are killed when a test ends."""

import shutil
import subprocess
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.stores.registry import ModelRegistry
from services.exchange import Pointer, write_note
from services.settings import ServiceSettings
from tests.bundles import small_bundle
from tests.faults.doors import Home, OpenDoor
from tests.faults.front import Front, require_nginx
from tests.tracking import own_tracking


@dataclass
class Shop:
    """A registered model of the test's own."""

    registry: ModelRegistry
    name: str
    logged: dict[str, str]
    folders: dict[str, Path]

    def promote(self, which: str, *, digest: str | None = None) -> int:
        """Register a bundle once more and point the alias at it, without a gate."""
        import mlflow

        digest = digest or digest_of(self.folders[which])
        with own_tracking():
            mlflow.set_tracking_uri(self.uri)  # mlflow looks a logged model up where the process stands
            bundle = self.registry.register(self.name, self.logged[which], run_id=self.run_id, digest=digest, tags={})
            self.registry.move_production(bundle)
        return bundle.version

    run_id: str = ""
    uri: str = ""


@dataclass
class Rig:
    """Both doors of one home, behind the front."""

    home: Home
    shop: Shop
    version: int
    bento: OpenDoor
    fallback: OpenDoor
    front: Front


Logged = tuple[str, str, dict[str, str], dict[str, Path]]


@pytest.fixture(scope="session")
def logged(telco: Contract, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Logged:
    """The registry's address, a run, and three logged bundles: two good ones and one that was tampered with later."""
    import mlflow

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlflow's opinion of type hints
        from pipelines.logged_model import log_bundle

    root = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{root / 'mlflow.db'}"
    folders = {name: root / name / "bundle" for name in ("first", "second", "bad")}
    shutil.copytree(bundle_folder, folders["first"])
    small_bundle(folders["second"], telco, seed=1)
    small_bundle(folders["bad"], telco, seed=2)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    mlflow.create_experiment("faults", artifact_location=(root / "artifacts").as_uri())
    mlflow.set_experiment("faults")
    with warnings.catch_warnings(), mlflow.start_run() as run:
        warnings.simplefilter("ignore")  # mlflow's opinion of type hints
        models = {name: log_bundle(folder, telco) for name, folder in folders.items()}
    (tampered,) = [
        path for path in (root / "artifacts").rglob("model.onnx") if models["bad"].removeprefix("models:/") in str(path)
    ]
    tampered.write_bytes(tampered.read_bytes()[:-100])
    return uri, run.info.run_id, models, folders


@pytest.fixture
def shop(logged: Logged) -> Shop:
    return shop_of(logged)


@pytest.fixture
def home(shop: Shop, logged: Logged, tmp_path: Path) -> Home:
    return home_of(shop, logged, tmp_path / "home")


@pytest.fixture
def on_disk(home: Home, shop: Shop) -> int:
    """Version 1, in production and already on this home's disk, so that a door is ready at once."""
    return put_on_disk(home, shop)


@pytest.fixture
def open_door(home: Home) -> Iterator[Callable[..., OpenDoor]]:
    with doors_of(home) as open_one:
        yield open_one


@pytest.fixture(scope="module")
def rig(logged: Logged, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Both doors behind the front, for all tests of a module: they take long to start."""
    require_nginx()
    folder = tmp_path_factory.mktemp("rig")
    shop = shop_of(logged)
    home = home_of(shop, logged, folder / "home")
    version = put_on_disk(home, shop)
    with doors_of(home) as open_one:
        bento, fallback = open_one("bento", workers=2), open_one("fastapi")
        front = Front(folder / "front", bento.port, fallback.port)
        yield Rig(home, shop, version, bento.ready(), fallback.ready(), front)
        front.stop()


def shop_of(logged: Logged) -> Shop:
    """A model of its own name."""
    uri, run_id, models, folders = logged
    return Shop(ModelRegistry(uri), f"m{uuid.uuid4().hex[:12]}", models, folders, run_id, uri)


def home_of(shop: Shop, logged: Logged, folder: Path) -> Home:
    """A home of its own."""
    folder.mkdir()
    return Home(folder, {"CHURN_MODEL": shop.name, "CHURN_TRACKING_URI": logged[0]})


def put_on_disk(home: Home, shop: Shop) -> int:
    """Promote the first bundle, and do what the mirror does."""
    version = shop.promote("first")
    settings = ServiceSettings(home=home.folder, model=shop.name)
    digest = digest_of(shop.folders["first"])
    shutil.copytree(shop.folders["first"], settings.bundle_folder / digest)
    write_note(Pointer(name=shop.name, version=version, digest=digest), settings.pointer_file)
    return version


@contextmanager
def doors_of(home: Home) -> Iterator[Callable[..., OpenDoor]]:
    """Yield what opens doors, and kill them all."""
    opened: list[OpenDoor] = []

    def open_one(kind: str, *, workers: int = 1) -> OpenDoor:
        opened.append(OpenDoor(kind, home, workers))
        return opened[-1]

    yield open_one
    for door in opened:
        if door.process.poll() is None:
            door.kill()
    _end_what_is_left(home)


def _end_what_is_left(home: Home) -> None:
    """Workers outlive a master that was killed; none may outlive the test."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("CHURN_HOME") == str(home.folder):
                process.kill()
        except psutil.Error:
            continue


@pytest.fixture
def small_spool(home: Home) -> Iterator[Path]:
    """The home's spool on a disk of 256 KB."""
    with small_disk(home.folder / "spool", "256k") as folder:
        yield folder


@pytest.fixture
def small_shelf(home: Home) -> Iterator[Path]:
    """The home's bundles on a disk of 8 MB."""
    with small_disk(home.folder / "bundles", "8m") as folder:
        yield folder


@pytest.fixture
def on_shelf(home: Home, shop: Shop, small_shelf: Path) -> int:
    """As `on_disk`, on the small disk."""
    del small_shelf
    return put_on_disk(home, shop)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a disk of some bytes."""
    folder.mkdir()
    command = ["/bin/mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["/bin/umount", "-l", str(folder)], check=True)
