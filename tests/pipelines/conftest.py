"""One small training for every test of the ring: made once a session, copied by the tests that write."""

import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from churn.contract.contract import Contract
from churn.data.sampler_file import write_sample
from pipelines.ingest import Ingested, ingest
from pipelines.parameters import read_parameters
from pipelines.settings import PipelineSettings
from pipelines.tracking import open_tracking
from pipelines.train import Trained, train
from pipelines.training import TrainParameters
from tests.tracking import forget_copies, own_tracking

ROWS = 900
TRIALS = 2


@dataclass(frozen=True, slots=True)
class Home:
    """A local installation with one training in it."""

    settings: PipelineSettings
    ingested: Ingested
    trained: Trained
    said: list[str]


def settings_of(folder: Path, **more: object) -> PipelineSettings:
    """Settings that nothing in the environment changes: mlflow writes its address there when it is set."""
    tracking = f"sqlite:///{folder / 'mlflow.db'}"
    return PipelineSettings.model_validate({"home": folder, "tracking": tracking, "actor": "a test", **more})


@pytest.fixture(autouse=True)
def tracking() -> Iterator[None]:
    with own_tracking():
        yield


@pytest.fixture(scope="session")
def customers_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("customers") / "customers.csv"
    write_sample(path, ROWS, seed=11)
    return path


@pytest.fixture(scope="session")
def parameters() -> TrainParameters:
    """In this process: those that a crew starts take longer to begin than so small a training takes."""
    return read_parameters("train", TrainParameters, trials=TRIALS, candidates=("logistic", "lightgbm"), workers=1)


@pytest.fixture(scope="session")
def trained_home(
    telco: Contract, customers_file: Path, parameters: TrainParameters, tmp_path_factory: pytest.TempPathFactory
) -> Home:
    """Trained, not evaluated. Read only: `home` is a copy to write in."""
    settings, said = settings_of(tmp_path_factory.mktemp("ring") / "home"), []
    ingested = ingest(customers_file, telco, settings)
    with own_tracking():
        open_tracking(settings)
        return Home(settings, ingested, train(ingested, telco, parameters, settings=settings, say=said.append), said)


@pytest.fixture
def copy_home(trained_home: Home, tmp_path: Path) -> Callable[[], Home]:
    """Make another copy at each call; the addresses inside MLflow's database go with it."""
    numbers = itertools.count()
    return lambda: copied(trained_home, tmp_path / f"home-{next(numbers)}")


@pytest.fixture
def home(copy_home: Callable[[], Home]) -> Home:
    """A copy of the training to write in."""
    return copy_home()


def copied(home: Home, place: Path) -> Home:
    """Copy a home, and make it the one that mlflow speaks to."""
    shutil.copytree(home.settings.home, place)
    _move_addresses(place / "mlflow.db", str(home.settings.home), str(place))
    settings = settings_of(place)
    open_tracking(settings)
    forget_copies()
    return Home(settings, home.ingested, home.trained, home.said)


def _move_addresses(database: Path, old: str, new: str) -> None:
    source = sqlite3.connect(database)
    script = "\n".join(source.iterdump()).replace(old, new)
    source.close()
    database.unlink()
    copy = sqlite3.connect(database)
    copy.executescript(script)
    copy.close()
