"""Fixtures that more than one room uses."""

from pathlib import Path

import pytest

from churn.contract.contract import Contract, load_contract
from churn.settings import Settings

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


class TelcoFile(Settings):
    """Where the tests find the real Telco file."""

    test_telco: Path | None = None
