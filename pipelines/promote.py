"""Promote: give a version the alias `production`, if the gate agrees; or give it back to the one before.

Reads:  the version, the version in production, and the held-out rows of the version's training.
Writes: the verdict on the version, the alias under a lease, both halves of the move in the audit.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from churn.errors import ConflictError, NotFoundError, StoreError
from churn.evaluation.gate import Gate, Verdict
from churn.stores.database import migrate, open_database
from churn.stores.leases import Lease, hold_lease
from churn.stores.promotions import Action, Move, PromotionLog
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.gate import judge_version
from pipelines.moves import Order
from pipelines.registered import load_registered
from pipelines.settings import PipelineSettings

log = logging.getLogger(__name__)

LEASE_SECONDS = 120
AUDIT_ROWS = 100_000
"""How far back a rollback looks: many refused promotions may lie between."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """What came of a promotion or rollback.

    Attributes:
        before: version that was in production, None when nothing was.
        metrics: the candidate's on the rows of comparison; empty for a rollback.
        has_moved: the version is in production now; with an order that overrides the gate, whatever the verdict is.
    """

    model: str
    version: int
    before: int | None
    verdict: Verdict
    metrics: Mapping[str, float]
    has_moved: bool


def promote(version: int | None, order: Order, gate: Gate, *, settings: PipelineSettings) -> Promoted:
    """Judge a version, the newest when None, and move the alias to it when nothing speaks against it.

    Raises:
        ConflictError: somebody else is promoting now.
        BundleError: the version's bundle is not what was registered.
    """
    registry, engine = ModelRegistry(settings.tracking_uri), _open(settings)
    with hold_lease(engine, f"promote:{settings.model}", owner=order.actor, seconds=LEASE_SECONDS) as lease:
        production = registry.production(settings.model)
        candidate = registry.version(settings.model, version) if version else _newest(registry, settings)
        judged = judge_version(candidate, production, gate, settings=settings)
        verdict, metrics = judged.verdict, judged.metrics
        move = _Move(registry, PromotionLog(engine), candidate, production)
        registry.tag(candidate, {"validation_status": _status(verdict, order)})
        if has_moved := verdict.passed or order.is_override:
            move.make("promote", _noting(verdict, order), lease, details=metrics)
        else:
            move.refuse(order, verdict, details=metrics)
    before = production.version if production else None
    log.info("promotion judged", extra={"version": candidate.version, "passed": verdict.passed, "before": before})
    return Promoted(settings.model, candidate.version, before, verdict, metrics, has_moved)


def activate(version: int, order: Order, gate: Gate, *, settings: PipelineSettings) -> Promoted:
    """Put a version in production: back to an earlier one that was there before without the gate, else as `promote`.

    Raises:
        NotFoundError: there is no such version.
        ConflictError: somebody else is promoting now.
        BundleError: the version's bundle is not what was registered.
    """
    production = ModelRegistry(settings.tracking_uri).production(settings.model)
    if production is not None and version < production.version and _was_in_production(version, settings):
        return rollback(order, settings=settings, to=version)
    return promote(version, order, gate, settings=settings)


def rollback(order: Order, *, settings: PipelineSettings, to: int | None = None) -> Promoted:
    """Move the alias back to the version that was in production before.

    Args:
        order: who wants it, and why.
        settings: where the stores are.
        to: a version that the caller knows was in production once; None: the one before this.

    Raises:
        NotFoundError: nothing is in production, or nothing was before.
    """
    registry, engine = ModelRegistry(settings.tracking_uri), _open(settings)
    with hold_lease(engine, f"promote:{settings.model}", owner=order.actor, seconds=LEASE_SECONDS) as lease:
        production = registry.production(settings.model)
        if production is None:
            raise NotFoundError(f"no version of {settings.model} is in production: promote one with `churn promote`")
        back = to or _version_before(PromotionLog(engine), settings, production.version)
        before = registry.version(settings.model, back)
        load_registered(before, registry, settings)
        _Move(registry, PromotionLog(engine), before, production).make("rollback", order, lease, details={})
    log.info("rolled back", extra={"version": before.version, "before": production.version})
    return Promoted(settings.model, before.version, production.version, Verdict("promote", ()), {}, has_moved=True)


@dataclass(frozen=True, slots=True)
class _Move:
    """One move of the alias, noted before and after, so that a crash in between shows."""

    registry: ModelRegistry
    log: PromotionLog
    to: RegisteredBundle
    before: RegisteredBundle | None

    def make(self, action: Action, order: Order, lease: Lease, *, details: Mapping[str, float]) -> None:
        """Move the alias; the audit ends as done or failed."""
        move_id = self.log.prepare(self._noted(action, order), reason=order.reason, details=details)
        try:
            self._require_unchanged(lease)
            self.registry.move_production(self.to)
        except StoreError as error:
            self.log.finish(move_id, "failed", reason=str(error))
            raise
        self.log.finish(move_id, "done", reason=order.reason)
        self._mirror_stage()

    def _mirror_stage(self) -> None:
        """The alias has moved: a stage that does not follow is no reason to say that the promotion failed."""
        try:
            self.registry.mirror_stage(self.to)
        except StoreError as error:
            log.warning("legacy stage not mirrored", extra={"version": self.to.version, "reason": str(error)})

    def refuse(self, order: Order, verdict: Verdict, *, details: Mapping[str, float]) -> None:
        """Note that the gate said no."""
        move_id = self.log.prepare(self._noted("promote", order), reason=order.reason, details=details)
        self.log.finish(move_id, "refused", reason="; ".join(verdict.reasons))

    def _noted(self, action: Action, order: Order) -> Move:
        before = self.before.version if self.before else None
        return Move(self.to.name, action, from_version=before, to_version=self.to.version, actor=order.actor)

    def _require_unchanged(self, lease: Lease) -> None:
        """The last look before the step: the lease is still ours, and production is what was judged against."""
        lease.check()
        now = self.registry.production(self.to.name)
        if (now.version if now else None) != (self.before.version if self.before else None):
            raise ConflictError(
                f"the production version of {self.to.name} changed while this move was judged: try again"
            )


def _open(settings: PipelineSettings) -> Engine:
    settings.home.mkdir(parents=True, exist_ok=True)
    engine = open_database(settings.database_url)
    migrate(engine)
    return engine


def _status(verdict: Verdict, order: Order) -> str:
    if verdict.passed:
        return "passed"
    return "overridden" if order.is_override else "refused"


def _noting(verdict: Verdict, order: Order) -> Order:
    """Return the order with what it overrides in its reason."""
    if verdict.passed:
        return order
    return replace(order, reason=f"{order.reason} (overriding the gate: {'; '.join(verdict.reasons)})")


def _was_in_production(version: int, settings: PipelineSettings) -> bool:
    moves = PromotionLog(_open(settings)).history(settings.model, AUDIT_ROWS)
    return any(move.status == "done" and move.to_version == version for move in moves)


def _newest(registry: ModelRegistry, settings: PipelineSettings) -> RegisteredBundle:
    versions = registry.versions(settings.model)
    if not versions:
        raise NotFoundError(f"{settings.model} has no version: run `churn train`, `churn evaluate`, `churn register`")
    return versions[0]


def _version_before(audit: PromotionLog, settings: PipelineSettings, current: int) -> int:
    """Return the version that production replaced when it was promoted."""
    for move in audit.history(settings.model, AUDIT_ROWS):
        is_here = move.status == "done" and move.action == "promote" and move.to_version == current
        if is_here and move.from_version and move.from_version != current:  # promoting it once more replaced nothing
            return move.from_version
    raise NotFoundError(f"nothing was in production before version {current}; `churn promote --version N` moves on")
