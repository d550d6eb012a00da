"""Moves of aliases: the one way to give a version an alias other than production, and to take it away again."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.registered import load_registered
from pipelines.settings import PipelineSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants a move, and why."""

    actor: str
    reason: str
    is_override: bool = False
    """Move although the gate says no; the audit keeps what it said."""


def give_alias(
    alias: str, version: int, order: Order, *, settings: PipelineSettings, tags: Mapping[str, str] | None = None
) -> RegisteredBundle:
    """Give a version an alias, once its bundle is proven to load.

    Args:
        alias: `canary`, `shadow` or `staging`; `production` moves by `promote` and `rollback` alone.
        version: which.
        order: who wants it, and why.
        settings: where the registry is.
        tags: set on the version before the alias moves, so that whoever follows the alias finds them.

    Raises:
        NotFoundError: there is no such version.
        BundleError: its bundle is not what was registered.
    """
    registry = ModelRegistry(settings.tracking_uri)
    bundle = registry.version(settings.model, version)
    load_registered(bundle, registry, settings)
    registry.tag(bundle, tags or {})
    registry.move_alias(bundle, alias)
    log.info("alias given", extra={"alias": alias, "version": version, "actor": order.actor})
    return bundle


def take_alias(alias: str, order: Order, *, settings: PipelineSettings) -> RegisteredBundle | None:
    """Take an alias away, and return the version that had it; None when none had."""
    registry = ModelRegistry(settings.tracking_uri)
    before = registry.aliased(settings.model, alias)
    if before is not None:
        registry.clear_alias(settings.model, alias)
        log.info("alias taken", extra={"alias": alias, "version": before.version, "actor": order.actor})
    return before
