"""From a registered version to a scorer: only what `churn register` made, and only as it was registered."""

from churn.errors import BundleError, NotFoundError
from churn.scoring.loading import load_scorer
from churn.scoring.scorer import Scorer
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.settings import PipelineSettings


def load_registered(bundle: RegisteredBundle, registry: ModelRegistry, settings: PipelineSettings) -> Scorer:
    """Fetch a version's bundle and load it.

    Raises:
        BundleError: it carries no digest, or is not what was registered.
    """
    if not bundle.digest:
        raise BundleError(
            f"version {bundle.version} of {bundle.name} carries no digest: it was not made by `churn register`"
        )
    folder = registry.fetch_bundle(bundle, settings.bundle_folder / bundle.digest)
    return load_scorer(folder, name=bundle.name, version=bundle.version, digest=bundle.digest)


def candidate_of(registry: ModelRegistry, model: str, version: int | None) -> RegisteredBundle:
    """Return a version, the newest when None.

    Raises:
        NotFoundError: there is no such version, or none at all.
    """
    if version:
        return registry.version(model, version)
    if not (versions := registry.versions(model)):
        raise NotFoundError(f"{model} has no version: run `churn train`, `churn evaluate`, `churn register`")
    return versions[0]
