"""Moves of aliases: the one way to give a version an alias other than production, and to take it away again.

Reads:  the version, its bundle, our log of registrations.
Writes: the alias and the tags that go with it, under the alias's lease; both halves of the move in the log.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from churn.errors import ConflictError, UsageError
from churn.stores.agreement import ALIASES
from churn.stores.database import migrated
from churn.stores.leases import kept_lease
from churn.stores.promotions import PromotionLog
from churn.stores.registry import PRODUCTION, ModelRegistry, RegisteredBundle
from pipelines.moving import Mover, Step, follow, lease_name, version_of
from pipelines.prove import prove
from pipelines.settings import PipelineSettings

log = logging.getLogger(__name__)

LEASE_SECONDS = 60
"""A mover that was silent for so long is taken for dead; one at work extends it."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants a move, and why."""

    actor: str
    reason: str
    is_override: bool = False
    """Move although the gate says no; the audit keeps what it said."""

    expected: int | None = None
    """The version that has the alias as far as he who orders knows, 0: none; another one is a conflict. None: any."""

    def require_expected(self, alias: str, now: RegisteredBundle | None) -> None:
        """Make sure that the alias is where he who orders believes it to be.

        Raises:
            ConflictError: somebody else moved first.
        """
        if self.expected is not None and self.expected != (version_of(now) or 0):
            found, expected = version_of(now) or "nothing", self.expected or "nothing"
            raise ConflictError(
                f"{alias} is {found} and was expected to be {expected}: somebody moved it; look at `churn status`"
            )


def give_alias(
    alias: str, version: int, order: Order, *, settings: PipelineSettings, tags: Mapping[str, str] | None = None
) -> RegisteredBundle:
    """Give a version an alias, once its bundle is proven to load; as `promote`, without a gate.

    Args:
        alias: `canary`, `shadow` or `staging`; `production` moves by `promote` and `rollback` alone.
        version: which.
        order: who wants it, and why.
        settings: where the stores are.
        tags: set on the version before the alias moves, so that whoever follows the alias finds them; named
            `<alias>_…`, they are taken away from it when the alias is.

    Raises:
        NotFoundError: there is no such version.
        BundleError: its bundle is not what was registered, or does not load.
        ConflictError: somebody else moves this alias now, or moved it first.
    """
    _require_movable(alias)
    with hold_alias(alias, order, settings=settings) as (mover, before):
        bundle = mover.registry.version(settings.model, version)
        prove(bundle, registry=mover.registry, log=mover.log, settings=settings)
        details = {"digest": bundle.digest, "tags": dict(tags or {})}
        step = Step("give", alias, before, bundle, order.actor, order.reason, details, tags or {})
        mover.make(step)
        follow(mover, step)
    log.info("alias given", extra={"alias": alias, "version": version, "actor": order.actor})
    return bundle


def take_alias(alias: str, order: Order, *, settings: PipelineSettings) -> RegisteredBundle | None:
    """Take an alias away, and return the version that had it; None when none had.

    Raises:
        ConflictError: somebody else moves this alias now, or moved it first.
    """
    _require_movable(alias)
    with hold_alias(alias, order, settings=settings) as (mover, before):
        if before is None:
            return None
        step = Step("take", alias, before, None, order.actor, order.reason, {"digest": before.digest})
        mover.make(step)
        follow(mover, step)
    log.info("alias taken", extra={"alias": alias, "version": before.version, "actor": order.actor})
    return before


@contextmanager
def hold_alias(
    alias: str, order: Order, *, settings: PipelineSettings
) -> Iterator[tuple[Mover, RegisteredBundle | None]]:
    """Hold an alias's lease for as long as the work lasts; yield who moves it, and the version that has it now.

    Raises:
        ConflictError: somebody else moves this alias now, or has since the order was given.
    """
    registry, name = ModelRegistry(settings.tracking_uri), lease_name(alias, settings.model)
    with (
        migrated(settings.database_url) as engine,
        kept_lease(engine, name, owner=order.actor, seconds=LEASE_SECONDS) as lease,
    ):
        before = registry.aliased(settings.model, alias)
        order.require_expected(alias, before)
        yield Mover(settings.model, registry, PromotionLog(engine), lease), before


def _require_movable(alias: str) -> None:
    if alias == PRODUCTION or alias not in ALIASES:
        raise UsageError(
            f"the alias {alias!r} does not move by itself: one of {', '.join(ALIASES[1:])} does; production moves by "
            "`churn promote` and `churn rollback`"
        )
