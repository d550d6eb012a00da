"""A home whose registry has a version in production, made as the stages make it."""

from pathlib import Path
from shutil import copytree

import mlflow

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.settings import Settings
from churn.stores.registry import ModelRegistry, RegisteredBundle
from tests.tracking import own_tracking


def promoted(bundle: Path, contract: Contract, settings: Settings, scratch: Path) -> RegisteredBundle:
    """Log a sealed bundle, register it and point the alias at it.

    Args:
        bundle: the sealed folder.
        contract: what it was made for.
        settings: where the home is; made when it is not there.
        scratch: an empty folder for a copy.
    """
    with own_tracking():
        run_id, logged = _logged(bundle, contract, settings, scratch)
        registry = ModelRegistry(settings.tracking_uri)
        made = registry.register(settings.model, logged, run_id=run_id, digest=digest_of(bundle), tags={})
        registry.move_production(made)
    return made


def _logged(bundle: Path, contract: Contract, settings: Settings, scratch: Path) -> tuple[str, str]:
    from pipelines.logged_model import log_bundle

    settings.home.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(settings.tracking_uri)
    mlflow.create_experiment("churn", artifact_location=settings.artifact_url)
    mlflow.set_experiment("churn")
    with mlflow.start_run() as run:
        # mlflow keeps the folder's name, and the registry fetches by it
        return run.info.run_id, log_bundle(copytree(bundle, scratch / "bundle"), contract)
