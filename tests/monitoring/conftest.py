"""One registry for all tests of the eyes; each test has an SQL store and a report folder of its own."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.scoring.prediction import Prediction
from churn.stores.database import open_migrated
from churn.stores.predictions import PredictionStore
from monitoring.drift import drift
from monitoring.drift_found import Found
from monitoring.drift_parameters import read_drift_parameters
from monitoring.settings import MonitoringSettings
from tests.bundles import random_columns
from tests.monitoring.homes import home_with_production, predictions_of


@dataclass(frozen=True, slots=True)
class Eyes:
    """A home whose registry has version 1 in production, and the drift job that looks at it."""

    settings: MonitoringSettings
    contract: Contract
    bundle: Path
    engine: Engine

    def customers(self, rows: int, *, seed: int) -> Columns:
        """Customers like those that the bundle was made from."""
        return random_columns(self.contract, rows, seed=seed)

    def predictions_of(self, columns: Columns) -> list[Prediction]:
        """What version 1 answers them."""
        return predictions_of(self.bundle, columns)

    def record(self, predictions: list[Prediction]) -> None:
        """Do what the doors do."""
        PredictionStore(self.engine).add(predictions)

    def look(
        self, since: datetime | None = None, *, settings: MonitoringSettings | None = None, version: int | None = None
    ) -> Found:
        """Run the drift job."""
        return drift(since, read_drift_parameters(), settings=settings or self.settings, version=version)


@pytest.fixture(scope="session")
def registry_home(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> MonitoringSettings:
    return home_with_production(tmp_path_factory.mktemp("eyes"), bundle_folder)


@pytest.fixture
def eyes(registry_home: MonitoringSettings, telco: Contract, bundle_folder: Path, tmp_path: Path) -> Eyes:
    settings = MonitoringSettings(home=tmp_path, tracking=registry_home.tracking_uri)
    engine = open_migrated(settings.database_url)
    return Eyes(settings, telco, bundle_folder, engine)
