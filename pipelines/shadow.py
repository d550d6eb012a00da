"""Shadow: let a version be scored beside production on live customers, without being answered; or end that.

Reads:  the version's bundle.
Writes: the alias `shadow` by a move that the log notes, and who set it, when and why as tags of the version.
"""

from churn.errors import NotFoundError, UsageError
from churn.scoring.prediction import utc_now
from churn.scoring.scorer import Scorer
from churn.stores.registry import SHADOW, ModelRegistry, RegisteredBundle
from pipelines.moves import Order, give_alias, take_alias
from pipelines.registered import load_registered
from pipelines.settings import PipelineSettings


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
    production = ModelRegistry(settings.tracking_uri).production(settings.model)
    if production is not None and production.version == version:
        raise UsageError(f"version {version} is in production: it can't be its own shadow; `churn status` lists others")
    tags = {"shadow_actor": order.actor, "shadow_reason": order.reason, "shadow_since": utc_now()}
    return give_alias(SHADOW, version, order, settings=settings, tags=tags)


def clear_shadow(order: Order, *, settings: PipelineSettings) -> RegisteredBundle | None:
    """Take the alias away, and return the version that had it; None when none had."""
    return take_alias(SHADOW, order, settings=settings)


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
