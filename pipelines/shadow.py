"""Shadow: let a version be scored beside production on live customers, without being answered; or end that.

Reads:  the version's bundle.
Writes: the alias `shadow`, and who set it, when and why as tags of the version.
"""

import logging

from churn.errors import NotFoundError, UsageError
from churn.scoring.prediction import utc_now
from churn.scoring.scorer import Scorer
from churn.stores.registry import SHADOW, ModelRegistry, RegisteredBundle
from pipelines.moves import Order
from pipelines.registered import load_registered
from pipelines.settings import PipelineSettings

log = logging.getLogger(__name__)


def set_shadow(version: int, order: Order, *, settings: PipelineSettings) -> RegisteredBundle:
    """Give a version the alias, once its bundle is proven to load.

    Args:
        version: which.
        order: who wants it, and why.
        settings: where the registry is.

    Raises:
        NotFoundError: there is no such version.
        BundleError: its bundle is not what was registered.
        UsageError: it is in production.
    """
    registry = ModelRegistry(settings.tracking_uri)
    bundle, production = registry.version(settings.model, version), registry.production(settings.model)
    if production is not None and production.version == version:
        raise UsageError(f"version {version} is in production: it can't be its own shadow; `churn status` lists others")
    load_registered(bundle, registry, settings)
    registry.tag(bundle, {"shadow_actor": order.actor, "shadow_reason": order.reason, "shadow_since": utc_now()})
    registry.move_alias(bundle, SHADOW)
    log.info("shadow set", extra={"version": version, "actor": order.actor})
    return bundle


def clear_shadow(*, settings: PipelineSettings) -> RegisteredBundle | None:
    """Take the alias away, and return the version that had it; None when none had."""
    registry = ModelRegistry(settings.tracking_uri)
    before = registry.aliased(settings.model, SHADOW)
    if before is not None:
        registry.clear_alias(settings.model, SHADOW)
        log.info("shadow cleared", extra={"version": before.version})
    return before


def shadow_and_production(
    version: int | None, registry: ModelRegistry, settings: PipelineSettings
) -> tuple[int, Scorer]:
    """Return which version is compared, the one with the alias when None, and production, loaded.

    Raises:
        NotFoundError: nothing has the alias, or nothing is in production.
    """
    shadow = registry.aliased(settings.model, SHADOW) if version is None else registry.version(settings.model, version)
    production = registry.production(settings.model)
    if shadow is None:
        raise NotFoundError("no version has the alias shadow: `churn shadow set VERSION` gives it to one")
    if production is None:
        raise NotFoundError(f"no version of {settings.model} is in production: promote one with `churn promote`")
    return shadow.version, load_registered(production, registry, settings)
