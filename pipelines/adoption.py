"""Adoption: versions that somebody registered without us, which no door would load, and taking them in."""

from collections.abc import Iterator

from churn.errors import BundleError, NotFoundError
from churn.stores.promotions import PromotionLog, unknown_because
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.prove import prove_bundle
from pipelines.register import note_registered
from pipelines.repairs import Repairs
from pipelines.settings import PipelineSettings


def look_at_versions(registry: ModelRegistry, log: PromotionLog, repairs: Repairs, settings: PipelineSettings) -> None:
    """Tell of versions that our log does not know; take in those that hold, if that is wished.

    One whose digest is not what we registered is nobody's to adopt.
    """
    known = log.registered_digests(settings.model)
    for bundle, problem in _unknown(registry.versions(settings.model), known):
        words = f"version {bundle.version} {problem}"
        if repairs.wish.adopt is None or bundle.version in known:
            repairs.leave("unknown", "", words)
        else:
            _adopt(bundle, registry, repairs, settings)


def _unknown(versions: list[RegisteredBundle], known: dict[int, str]) -> Iterator[tuple[RegisteredBundle, str]]:
    for bundle in reversed(versions):
        if problem := unknown_because(known, bundle.version, bundle.digest):
            yield bundle, problem


def _adopt(bundle: RegisteredBundle, registry: ModelRegistry, repairs: Repairs, settings: PipelineSettings) -> None:
    try:
        prove_bundle(bundle, registry=registry, settings=settings)
    except (BundleError, NotFoundError) as error:
        repairs.leave("unknown", "", f"version {bundle.version} is not taken in: {error}")
        return
    actor, reason = repairs.wish.order.actor, f"adopted: {repairs.wish.adopt}"
    words = f"version {bundle.version} is taken into our log: {repairs.wish.adopt}"
    repairs.mend("unknown", "", words, lambda: note_registered(bundle, actor, reason, settings=settings))
