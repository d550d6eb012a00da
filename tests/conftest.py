"""Fixtures that more than one room uses."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from churn.contract.contract import Contract
from churn.contract.reading import load_contract
from churn.settings import Settings
from tests.bundles import small_bundle

ROOT = Path(__file__).parent.parent
OF_MLFLOW = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID")


@pytest.fixture(autouse=True, scope="module")
def own_tracking_server() -> Iterator[None]:
    """No file of tests sees another's tracking server: its fixtures are made before `own_environment` is."""
    forget_address()  # fixtures of the session that the file's first test asks for were made before this one
    before = dict(os.environ)  # noqa: TID251  mlflow writes its address there
    yield
    os.environ.clear()  # noqa: TID251
    os.environ.update(before)  # noqa: TID251
    forget_address()


def forget_address() -> None:
    for name in OF_MLFLOW:
        os.environ.pop(name, None)  # noqa: TID251
    if "mlflow" in sys.modules:
        import mlflow

        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees another's tracking server (mlflow writes it into the environment) or the developer's settings."""
    for name in OF_MLFLOW:
        monkeypatch.delenv(name, raising=False)
    for name in ("CHURN_HOME", "CHURN_MODEL", "CHURN_TRACKING_URI", "CHURN_DATABASE_URL", "CHURN_OPTUNA_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def telco() -> Contract:
    return load_contract(ROOT / "contracts" / "telco.yaml")


@pytest.fixture(scope="session")
def telco_file() -> Path:
    """The real file; CHURN_TEST_TELCO names it, else a data folder beside the repository."""
    path = TelcoFile().test_telco or ROOT.parent / "shared" / "data" / "Telco-Customer-Churn.csv"
    if not path.is_file():
        pytest.skip("the real Telco file is not here: make test DATA=Telco-Customer-Churn.csv")
    return path


@pytest.fixture(scope="session")
def bundle_folder(telco: Contract, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed bundle of a logistic regression on random Telco-like customers; read only."""
    folder = tmp_path_factory.mktemp("bundle") / "sealed"
    small_bundle(folder, telco)
    return folder


class TelcoFile(Settings):
    """Where the tests find the real Telco file."""

    test_telco: Path | None = None
