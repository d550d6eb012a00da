"""Promote: give a version the alias `production`, if the gate agrees; or give it back to the one before.

Reads:  the version, the version in production, our log of registrations, and what the gate reads.
Writes: the verdict on the version, the alias under a lease, both halves of the move in the log; then stage and tags.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from churn.errors import NotFoundError, StoreError
from churn.evaluation.gate import Gate, Verdict
from churn.scoring.prediction import utc_now
from churn.stores.database import migrated
from churn.stores.promotions import PromotionLog
from churn.stores.registry import PRODUCTION, ModelRegistry, RegisteredBundle
from pipelines.canary import end_canary_of
from pipelines.gate import Judged, judge_version
from pipelines.moves import Order, hold_alias
from pipelines.moving import Mover, Step, version_of
from pipelines.prove import prove
from pipelines.registered import candidate_of
from pipelines.settings import PipelineSettings

log = logging.getLogger(__name__)

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

    @property
    def outcome(self) -> Literal["promoted", "held", "refused"]:
        """What came of it, in a word."""
        if self.has_moved:
            return "promoted"
        return "held" if self.verdict.decision == "hold" else "refused"


def promote(version: int | None, order: Order, gate: Gate, *, settings: PipelineSettings) -> Promoted:
    """Prove a version, the newest when None, judge it, and move the alias to it when nothing speaks against it.

    Raises:
        ConflictError: somebody else is promoting now, or has since the order was given.
        BundleError: the version's bundle is not what was registered, or does not load.
    """
    with hold_alias(PRODUCTION, order, settings=settings) as (mover, production):
        candidate = candidate_of(mover.registry, settings.model, version)
        prove(candidate, registry=mover.registry, log=mover.log, settings=settings)
        judged = judge_version(candidate, production, gate, settings=settings, actor=order.actor)
        mover.registry.tag(candidate, {"validation_status": _status(judged.verdict, order)})
        step = _step(candidate, production, order, judged)
        if has_moved := judged.verdict.passed or order.is_override:
            mover.make(step)
            _show(mover, step, settings)
        else:
            mover.refuse(step)
    if has_moved:
        end_canary_of(candidate.version, order, settings=settings)
    found = Promoted(
        settings.model, candidate.version, version_of(production), judged.verdict, judged.metrics, has_moved
    )
    log.info("promotion judged", extra={"version": found.version, "moved": has_moved, "before": found.before})
    return found


def activate(version: int, order: Order, gate: Gate, *, settings: PipelineSettings) -> Promoted:
    """Put a version in production: back to an earlier one that was there before without the gate, else as `promote`.

    Raises:
        NotFoundError: there is no such version.
        ConflictError: somebody else is promoting now.
        BundleError: the version's bundle is not what was registered, or does not load.
    """
    production = ModelRegistry(settings.tracking_uri).production(settings.model)
    if production is not None and version < production.version and _was_in_production(version, settings):
        return rollback(order, settings=settings, to=version)
    return promote(version, order, gate, settings=settings)


def rollback(order: Order, *, settings: PipelineSettings, to: int | None = None) -> Promoted:
    """Move the alias back to the version that was in production before, by the same protocol without the gate.

    Args:
        order: who wants it, and why.
        settings: where the stores are.
        to: a version that the caller knows was in production once; None: the one before this.

    Raises:
        NotFoundError: nothing is in production, or nothing was before.
        ConflictError: somebody else is promoting now, or has since the order was given.
        BundleError: the version's bundle is not what was registered, or does not load.
    """
    with hold_alias(PRODUCTION, order, settings=settings) as (mover, production):
        if production is None:
            raise NotFoundError(f"no version of {settings.model} is in production: promote one with `churn promote`")
        before = mover.registry.version(settings.model, to or _version_before(mover.log, settings, production.version))
        prove(before, registry=mover.registry, log=mover.log, settings=settings)
        details = {"digest": before.digest, "expected": production.version}
        step = Step("rollback", PRODUCTION, production, before, order.actor, order.reason, details)
        mover.make(step)
        _show(mover, step, settings)
    log.info("rolled back", extra={"version": before.version, "before": production.version})
    return Promoted(settings.model, before.version, production.version, Verdict("promote", ()), {}, has_moved=True)


def _step(candidate: RegisteredBundle, production: RegisteredBundle | None, order: Order, judged: Judged) -> Step:
    verdict = judged.verdict
    details = {
        "digest": candidate.digest,
        "expected": version_of(production),
        "decision": verdict.decision,
        "reasons": list(verdict.reasons),
        "metrics": dict(judged.metrics),
        "report": judged.report,
    }
    return Step("promote", PRODUCTION, production, candidate, order.actor, _reason(verdict, order), details)


def _status(verdict: Verdict, order: Order) -> str:
    if verdict.passed:
        return "passed"
    if order.is_override:
        return "overridden"
    return "held" if verdict.decision == "hold" else "refused"


def _reason(verdict: Verdict, order: Order) -> str:
    """Say why it moves, with what it overrides; or why it does not."""
    if verdict.passed:
        return order.reason
    said = "; ".join(verdict.reasons)
    return f"{order.reason} (overriding the gate: {said})" if order.is_override else f"{verdict.decision}: {said}"


def _show(mover: Mover, step: Step, settings: PipelineSettings) -> None:
    """The alias has moved: a stage or a tag that does not follow is no reason to say that the promotion failed."""
    if step.to is None:
        return
    tags = {"promoted_by": step.actor, "promoted_at": utc_now(), "promoted_reason": step.reason}
    try:
        mover.registry.mirror_stage(step.to)
        mover.registry.tag(step.to, {**tags, "build_url": settings.build_url or ""})
    except StoreError as error:
        log.warning("stage or tags do not follow", extra={"version": step.to.version, "reason": str(error)})


def _was_in_production(version: int, settings: PipelineSettings) -> bool:
    with migrated(settings.database_url) as engine:
        moves = PromotionLog(engine).history(settings.model, AUDIT_ROWS)
    return any(move.status == "done" and move.alias == PRODUCTION and move.to_version == version for move in moves)


def _version_before(audit: PromotionLog, settings: PipelineSettings, current: int) -> int:
    """Return the version that production replaced when it was promoted, by us or behind our back."""
    for move in audit.history(settings.model, AUDIT_ROWS):
        is_way_in = move.status == "done" and move.alias == PRODUCTION and move.action in {"promote", "foreign"}
        is_here = is_way_in and move.to_version == current
        if is_here and move.from_version and move.from_version != current:  # promoting it once more replaced nothing
            return move.from_version
    raise NotFoundError(f"nothing was in production before version {current}; `churn promote --version N` moves on")
