"""Fixtures that more than one room uses."""

from pathlib import Path

import pytest

from churn.contract.contract import Contract, load_contract
from churn.settings import Settings
from tests.bundles import small_bundle

ROOT = Path(__file__).parent.parent


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
