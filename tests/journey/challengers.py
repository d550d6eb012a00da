"""Challengers of the version in production, each with one thing wrong: made from its bundle, with a training run of
their own, and registered as `churn register` registers."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow

from churn.bundle.files import digest_of, verify
from churn.bundle.making import Ingredients, make_bundle
from churn.models.calibrators import Line
from churn.scoring.loading import load_scorer
from churn.stores.registry import ModelRegistry
from pipelines.logged_model import log_bundle
from pipelines.register import note_registered
from pipelines.settings import PipelineSettings
from pipelines.tracking import find_training, open_tracking
from tests.tracking import own_tracking


def bundle_of(version: int, settings: PipelineSettings) -> Path:
    """Return the folder of a version's bundle."""
    registry = ModelRegistry(settings.tracking_uri)
    found = registry.version(settings.model, version)
    return registry.fetch_bundle(found, settings.bundle_folder / found.digest)


def challenge(folder: Path, of: int, settings: PipelineSettings, *, tags: Mapping[str, str] | None = None) -> int:
    """Register a bundle as the outcome of a training like that of version `of`, and return its version."""
    with own_tracking(), TemporaryDirectory() as scratch:
        open_tracking(settings)
        registry = ModelRegistry(settings.tracking_uri)
        training = find_training(settings, registry.version(settings.model, of).run_id)
        kept = Path(mlflow.artifacts.download_artifacts(run_id=training.info.run_id, dst_path=f"{scratch}/kept"))
        bundle = shutil.copytree(folder, Path(scratch) / "bundle")
        digest, data = digest_of(bundle), verify(bundle).training_data_sha256
        own = {name: value for name, value in training.data.tags.items() if not name.startswith("mlflow.")}
        with mlflow.start_run() as run:
            mlflow.log_artifacts(str(kept))
            mlflow.log_metrics(training.data.metrics)
            mlflow.set_tags({**own, "bundle_digest": digest, "dataset_digest": data, **(tags or {})})
            uri = log_bundle(bundle, load_scorer(bundle, name=settings.model, version=0).contract)
        made = registry.register(settings.model, uri, run_id=run.info.run_id, digest=digest, tags={})
        note_registered(made, "journey", "a challenger", settings=settings)
    return made.version


Log = Callable[[Ingredients], tuple[str, float]]


def with_a_timid_twin(log: Log, folder: Path) -> Log:
    """Log a training's bundle, and keep one more whose probabilities are all too near to the middle."""

    def log_one_and_keep_the_other(made_of: Ingredients) -> tuple[str, float]:
        logged, sound = log(made_of), made_of.fitted.calibrator_
        made_of.fitted.calibrator_ = Line("none", slope=0.4)
        make_bundle(folder, made_of)
        made_of.fitted.calibrator_ = sound
        return logged

    return log_one_and_keep_the_other
