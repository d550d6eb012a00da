"""Canary: let a version answer a share of the customers, always the same ones; change the share; or end that.

Reads:  the version's bundle, production.
Writes: the alias `canary` by a move that the log notes; share, salt, who, when and why as tags of the version.
"""

import logging
import math
from datetime import datetime

from churn.errors import ConflictError, NotFoundError, StoreError, UsageError
from churn.scoring.prediction import utc_now
from churn.scoring.scorer import Scorer
from churn.stores.registry import CANARY, ModelRegistry, RegisteredBundle
from pipelines.moves import Order, give_alias, take_alias
from pipelines.registered import load_registered
from pipelines.settings import PipelineSettings

log = logging.getLogger(__name__)

SHARE, SALT, SINCE = "canary_share", "canary_salt", "canary_since"
LONGEST_SALT = 64


def set_canary(
    version: int, share: float, order: Order, *, settings: PipelineSettings, salt: str | None = None
) -> RegisteredBundle:
    """Let a version answer a share of the customers from now on; another one that did so ends.

    Args:
        version: which.
        share: above 0, at most 1; at 1 it answers everybody (blue-green).
        order: who wants it, and why.
        settings: where the stores are.
        salt: another one draws other customers. None: that of the canary that is changed, so that a larger share
            keeps everybody who was in the smaller; for a version that is none yet, its own name.

    Raises:
        NotFoundError: there is no such version, or nothing is in production that could answer the others.
        BundleError: its bundle is not what was registered.
        ConflictError: somebody else moves the alias now.
        UsageError: it is in production, or the share or salt can't be one.
    """
    _require_share(share)
    registry = ModelRegistry(settings.tracking_uri)
    _require_beside(version, registry.production(settings.model), settings.model)
    salt = _salt_of(registry, version, settings) if salt is None else salt
    if not 0 < len(salt) <= LONGEST_SALT:
        raise UsageError(f"a salt has 1 to {LONGEST_SALT} characters")
    tags = {
        SHARE: repr(float(share)),
        SALT: salt,
        SINCE: utc_now(),
        "canary_actor": order.actor,
        "canary_reason": order.reason,
    }
    return give_alias(CANARY, version, order, settings=settings, tags=tags)


def clear_canary(order: Order, *, settings: PipelineSettings) -> RegisteredBundle | None:
    """Take the alias away, so that production answers everybody, and return the version that had it, if any."""
    return take_alias(CANARY, order, settings=settings)


def end_canary_of(version: int, order: Order, *, settings: PipelineSettings) -> None:
    """Take the alias from a version that is in production now: rolled back, it would else answer its share again.

    Doors see no canary in a version that is in production, so a store that is away is no reason to stop here.
    """
    try:
        now = ModelRegistry(settings.tracking_uri).aliased(settings.model, CANARY)
        if now is not None and now.version == version:
            clear_canary(Order(order.actor, f"version {version} is in production"), settings=settings)
    except (ConflictError, StoreError) as error:
        log.warning("canary not ended: `churn canary clear` does", extra={"version": version, "reason": str(error)})


def canary_and_production(registry: ModelRegistry, settings: PipelineSettings) -> tuple[RegisteredBundle, Scorer]:
    """Return the version with the alias, and production, loaded.

    Raises:
        NotFoundError: nothing has the alias, or nothing is in production.
    """
    canary, production = registry.aliased(settings.model, CANARY), registry.production(settings.model)
    if canary is None:
        raise NotFoundError("no version has the alias canary: `churn canary set VERSION --share 0.1` gives it to one")
    if production is None:
        raise NotFoundError(f"no version of {settings.model} is in production: promote one with `churn promote`")
    return canary, load_registered(production, registry, settings)


def share_and_since(canary: RegisteredBundle) -> tuple[float, datetime | None]:
    """Return the share of the customers that a canary answers, and when it was set; 0 and None: its tags do not say."""
    try:
        return float(canary.tags.get(SHARE, "0")), datetime.fromisoformat(canary.tags[SINCE])
    except (KeyError, ValueError):
        return 0.0, None


def _require_share(share: float) -> None:
    if not (math.isfinite(share) and 0 < share <= 1):
        raise UsageError(f"the share {share} is none: above 0, at most 1; `churn canary clear` ends it")


def _require_beside(version: int, production: RegisteredBundle | None, model: str) -> None:
    if production is None:
        raise NotFoundError(f"no version of {model} is in production, and a canary answers beside one: promote it")
    if production.version == version:
        raise UsageError(f"version {version} is in production and answers everybody; `churn status` lists the others")


def _salt_of(registry: ModelRegistry, version: int, settings: PipelineSettings) -> str:
    now = registry.aliased(settings.model, CANARY)
    kept = now.tags.get(SALT) if now is not None and now.version == version else None
    return kept or f"{settings.model[: LONGEST_SALT // 2]}-{version}"
