"""The two sides of a judgement: a version with its bundle, its scorer and its training."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlflow.entities import Run

from churn.bundle.files import Manifest, verify
from churn.scoring.scorer import Scorer
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.registered import load_registered
from pipelines.settings import PipelineSettings
from pipelines.tracking import find_training


@dataclass(frozen=True, slots=True)
class Side:
    """One version.

    Attributes:
        folder: of its bundle, verified.
        run: its training.
    """

    bundle: RegisteredBundle
    scorer: Scorer
    folder: Path
    manifest: Manifest
    run: Run

    @property
    def trained_at(self) -> datetime:
        """When its training began."""
        return datetime.fromtimestamp(self.run.info.start_time / 1000, UTC)


def side_of(bundle: RegisteredBundle, settings: PipelineSettings) -> Side:
    """Fetch, verify and load a version.

    Raises:
        BundleError: it carries no digest, or is not what was registered.
        NotFoundError: its training is gone.
        UsageError: what made it is no training.
    """
    scorer = load_registered(bundle, ModelRegistry(settings.tracking_uri), settings)
    folder = settings.bundle_folder / bundle.digest
    return Side(bundle, scorer, folder, verify(folder, digest=bundle.digest), find_training(settings, bundle.run_id))
