"""A home with a version in production, and recorded predictions of it."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
from mlflow import MlflowClient

from churn.bundle.files import digest_of
from churn.contract.table import Columns
from churn.scoring.loading import load_scorer
from churn.scoring.prediction import Prediction, utc_now
from churn.stores.registry import DIGEST_TAG, ModelRegistry
from monitoring.settings import MonitoringSettings
from tests.churn.stores.records import PREDICTION

COUNTER = itertools.count()


def home_with_production(home: Path, bundle: Path) -> MonitoringSettings:
    """Register a bundle as versions 1 and 2 of `churn` in a registry of its own, and promote the first."""
    settings = MonitoringSettings(home=home, tracking=f"sqlite:///{home / 'mlflow.db'}", database=None)
    client = MlflowClient(tracking_uri=settings.tracking_uri, registry_uri=settings.tracking_uri)
    experiment = client.create_experiment("churn", artifact_location=settings.artifact_folder.as_uri())
    run = client.create_run(experiment)
    client.log_artifacts(run.info.run_id, str(bundle), "model/artifacts/bundle")
    client.create_registered_model("churn")
    source = f"{run.info.artifact_uri}/model"
    tags = {DIGEST_TAG: digest_of(bundle)}
    for _ in range(2):
        client.create_model_version("churn", source=source, run_id=run.info.run_id, tags=tags)
    registry = ModelRegistry(settings.tracking_uri)
    registry.move_production(registry.version("churn", 1))
    return settings


def predictions_of(bundle: Path, columns: Columns) -> list[Prediction]:
    """What version 1 answers to as many customers, as its doors record it."""
    scorer = load_scorer(bundle, name="churn", version=1)
    scores = scorer.score_columns(columns)
    return [
        replace(
            PREDICTION,
            prediction_id=f"p-{(number := next(COUNTER))}",
            customer_id=f"c-{number}",
            model_version=1,
            inputs={name: _json_value(values[row]) for name, values in columns.items()},
            probability=float(score),
            predicted_at=utc_now(),
        )
        for row, score in enumerate(scores)
    ]


def _json_value(value: object) -> object:
    if isinstance(value, str):
        return value or None
    number = float(value)  # type: ignore[arg-type]
    return None if np.isnan(number) else number
