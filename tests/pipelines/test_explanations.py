from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import mlflow
import numpy as np
import pandas as pd
import pytest

from churn.bundle.additivity import log_odds
from churn.contract.contract import Contract
from churn.scoring.loading import load_scorer
from pipelines.explanations import log_explanations, reasons_of
from pipelines.settings import PipelineSettings
from pipelines.tracking import open_tracking
from tests.bundles import as_format_1, random_columns
from tests.tracking import own_tracking


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[PipelineSettings]:
    with own_tracking():
        yield PipelineSettings(home=tmp_path, tracking=f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_pictures_and_tables_are_logged(bundle_folder: Path, telco: Contract, settings: PipelineSettings) -> None:
    columns = random_columns(telco, 300, seed=7)
    open_tracking(settings)

    with mlflow.start_run() as run:
        assert log_explanations(bundle_folder, columns)

    names = {Path(one.path).name for one in mlflow.MlflowClient().list_artifacts(run.info.run_id, "explanations")}
    assert names == {
        "importance.png", "beeswarm.png", "dependence.png", "interactions.png",
        "importance.csv", "interactions.csv", "contributions.csv", "values.csv",
    }  # fmt: skip
    folder = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="explanations"))
    importance = pd.read_csv(folder / "importance.csv")
    assert importance["mean_size"].is_monotonic_decreasing
    assert set(importance["column"]) == set(telco.columns)
    assert len(pd.read_csv(folder / "interactions.csv")) == 19 * 18 / 2
    contributions = pd.read_csv(folder / "contributions.csv")
    scores = load_scorer(bundle_folder, name="churn", version=1).score_columns(columns)
    assert np.abs(contributions.sum(axis=1) - log_odds(scores)).max() < 2e-4


def test_a_large_table_is_sampled(bundle_folder: Path, telco: Contract) -> None:
    found = reasons_of(bundle_folder, random_columns(telco, 5_200, seed=7))

    assert found is not None
    assert found.contributions.shape == (5_000, len(telco.columns))


def test_a_bundle_without_explanations_logs_nothing(bundle_folder: Path, telco: Contract, tmp_path: Path) -> None:
    old = Path(copytree(bundle_folder, tmp_path / "bundle"))
    as_format_1(old)

    assert not log_explanations(old, random_columns(telco, 10, seed=1))
