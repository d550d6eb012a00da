"""One move of an alias, step by step: noted before and after, so that a crash in between shows and can be repaired."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from churn.errors import ConflictError, NotFoundError, StoreError
from churn.stores.leases import Lease
from churn.stores.promotions import Action, Move, PromotionLog
from churn.stores.registry import PRODUCTION, ModelRegistry, RegisteredBundle

log = logging.getLogger(__name__)


def lease_name(alias: str, model: str) -> str:
    """Return the name of the lease under which an alias moves."""
    return f"promote:{model}" if alias == PRODUCTION else f"{alias}:{model}"


def version_of(bundle: RegisteredBundle | None) -> int | None:
    """Return a version's number; None: there is none."""
    return bundle.version if bundle else None


@dataclass(frozen=True, slots=True)
class Step:
    """A move that was decided: who moves which alias from where to where, and what is to be noted."""

    action: Action
    alias: str
    before: RegisteredBundle | None
    to: RegisteredBundle | None
    """None: the alias is taken away."""

    actor: str
    reason: str
    details: Mapping[str, object] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    """Set on `to` before the alias moves."""

    def noted(self, model: str) -> Move:
        """Return it as the log has it."""
        return Move(
            model, self.action, from_version=version_of(self.before), to_version=version_of(self.to),
            actor=self.actor, alias=self.alias,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mover:
    """Moves the aliases of one model, with the lease of the alias in its hand."""

    model: str
    registry: ModelRegistry
    log: PromotionLog
    lease: Lease

    def make(self, step: Step) -> None:
        """Move the alias; the log ends as done or failed, or not at all when nobody can say which.

        Raises:
            ConflictError: the lease was lost, or somebody else moved first.
            StoreError: the registry or the log did not answer; what was prepared is for `churn reconcile`.
        """
        move_id = self.log.prepare(step.noted(self.model), reason=step.reason, details=step.details)
        try:
            self._require_unchanged(step)
            self._move(step)
            self.lease.check()
        except StoreError as error:
            self._end(move_id, step, error)
        self.log.finish(move_id, "done", reason=step.reason)

    def refuse(self, step: Step) -> None:
        """Note a move that was asked for and that the gate did not allow; the step's reason says why."""
        move_id = self.log.prepare(step.noted(self.model), reason=step.reason, details=step.details)
        self.log.finish(move_id, "refused", reason=step.reason)

    def _require_unchanged(self, step: Step) -> None:
        """The last look before the step: the lease is still ours, and the alias is where it was decided upon."""
        self.lease.check()
        now = self.registry.aliased(self.model, step.alias)
        if version_of(now) != version_of(step.before):
            raise ConflictError(
                f"the {step.alias} version of {self.model} changed while this move was judged, from "
                f"{version_of(step.before) or 'none'} to {version_of(now) or 'none'}: look at `churn status`, try again"
            )

    def _move(self, step: Step) -> None:
        if step.to is None:
            self._take(step.alias)
            return
        self.registry.tag(step.to, step.tags)
        self.registry.move_alias(step.to, step.alias)

    def _take(self, alias: str) -> None:
        self.registry.clear_alias(self.model, alias)
        if self.registry.aliased(self.model, alias) is not None:
            raise StoreError(f"the alias {alias} of {self.model} was given by somebody else at the same time")

    def _end(self, move_id: str, step: Step, error: StoreError) -> None:
        """The registry may have moved the alias though its answer was lost: what the alias names is the truth.

        Raises:
            StoreError: the same; nothing, when the alias has moved after all and is still ours to move.
        """
        if isinstance(error, ConflictError):
            self.log.finish(move_id, "failed", reason=str(error))
            raise error
        try:
            now = self.registry.aliased(self.model, step.alias)
        except StoreError:
            raise error from None  # nobody knows: the move stays unfinished, and `churn reconcile` asks again
        if version_of(now) == version_of(step.to) != version_of(step.before):
            log.warning("alias moved though the registry's answer was lost", extra={"reason": str(error)})
            return
        self.log.finish(move_id, "failed", reason=str(error))
        raise error


def follow(mover: Mover, step: Step) -> None:
    """Take away the tags of the alias from the version that had it: what is left over is no failure of the move."""
    before = step.before
    if before is None or version_of(step.to) == before.version:
        return
    try:
        mover.registry.untag(before, tags_of(step.alias, before))
    except NotFoundError:
        return  # the version was deleted meanwhile
    except StoreError as error:
        log.warning("tags not taken away", extra={"version": before.version, "reason": str(error)})


def tags_of(alias: str, bundle: RegisteredBundle) -> list[str]:
    """Return the tags of a version that belong to an alias: `canary_share` belongs to `canary`."""
    return [name for name in bundle.tags if name.startswith(f"{alias}_")]
