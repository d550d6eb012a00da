"""Reconcile: make record and registry agree again, after a crash or a move behind our back.

Reads:  the registry's aliases, which are the truth; our log of moves and registrations.
Writes: how unfinished moves ended, moves that others made, the legacy stage, tags that are left over; when that is
        wished, the registration of versions that somebody made by hand.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from churn.errors import ConflictError
from churn.stores.agreement import ALIASES, Stray, strays
from churn.stores.database import migrated
from churn.stores.leases import Lease, kept_lease
from churn.stores.promotions import Ending, Move, Promotion, PromotionLog
from churn.stores.registry import PRODUCTION, ModelRegistry, RegisteredBundle
from pipelines.adoption import look_at_versions
from pipelines.moves import LEASE_SECONDS
from pipelines.moving import lease_name, tags_of
from pipelines.repairs import Kind, Repair, Repairs, Wish
from pipelines.settings import PipelineSettings

log = logging.getLogger(__name__)

OUTSIDE = "somebody outside"
"""Who moves an alias without us: MLflow does not say."""


def reconcile(wish: Wish, *, settings: PipelineSettings) -> list[Repair]:
    """Mend what does not agree, and return it; a second time finds nothing more to mend.

    Raises:
        StoreError: the registry or the churn store did not answer.
    """
    registry, repairs = ModelRegistry(settings.tracking_uri), Repairs(wish)
    with migrated(settings.database_url) as engine:
        moves = PromotionLog(engine)
        for alias in ALIASES:
            _mend(_Mender(alias, settings.model, registry, moves, repairs), engine)
        look_at_versions(registry, moves, repairs, settings)
    log.info("reconciled", extra={"found": len(repairs.found), "dry": wish.is_dry})
    return repairs.found


def _mend(mender: "_Mender", engine: Engine) -> None:
    """Take the alias's lease first: a move that somebody is making is left alone."""
    name, owner = lease_name(mender.alias, mender.model), f"{mender.repairs.wish.order.actor}, who reconciles"
    try:
        with kept_lease(engine, name, owner=owner, seconds=LEASE_SECONDS) as lease:
            mender.mend(lease)
    except ConflictError as error:
        mender.repairs.leave("busy", mender.alias, f"{error}; it is left alone")


@dataclass(frozen=True, slots=True)
class _Mender:
    """Mends one alias, with its lease in hand: whoever prepared a move of it is dead, or lost the right to make it."""

    alias: str
    model: str
    registry: ModelRegistry
    log: PromotionLog
    repairs: Repairs

    def mend(self, lease: Lease) -> None:
        """End what is unfinished, note what others did, and let stage and tags follow the alias."""
        for move in reversed(self.log.unfinished(self.model)):
            if move.alias == self.alias:
                lease.check()
                self._end(move)
        for stray in strays(self.registry, self.log, self.model):
            if stray.alias == self.alias:
                self._note(stray)
        if self.alias == PRODUCTION:
            self._mirror_stage()
        else:
            self._clear_tags()

    def _end(self, move: Promotion) -> None:
        """A move whose process died was made if the alias is where it wanted it, and was not if it is elsewhere."""
        now = self._holder()
        ending: Ending = "done" if now == move.to_version else "failed"
        found = f"{self.alias} is {_named(now)}, so it is {ending}"
        ends = f"from {_named(move.from_version)} to {_named(move.to_version)}"
        words = f"{move.action} {ends} by {move.actor}, prepared at {move.at}: {found}"
        reason = f"{move.reason} (its process died; reconciled by {self.repairs.wish.order.actor}: {found})"
        self._mend("unfinished", words, lambda: self.log.finish(move.move_id, ending, reason=reason))

    def _note(self, stray: Stray) -> None:
        move = Move(
            self.model, "foreign", from_version=stray.logged, to_version=stray.version, actor=OUTSIDE, alias=self.alias
        )
        order = self.repairs.wish.order
        words = f"{stray}: somebody moved it without us, which is noted"
        self._mend("foreign", words, lambda: self.log.note(move, reason=f"noted by {order.actor}: {order.reason}"))

    def _mirror_stage(self) -> None:
        """Without an alias nobody says where the stage belongs."""
        production, staged = self.registry.production(self.model), self.registry.staged(self.model)
        if production is None or staged == [production.version]:
            return
        had = ", ".join(map(str, staged)) or "none"
        words = f"the stage Production follows the alias to version {production.version}; versions with it: {had}"
        self._mend("stage", words, lambda: self.registry.mirror_stage(production))

    def _clear_tags(self) -> None:
        """Tags are set before the alias moves and taken away after it: a crash leaves them."""
        for bundle in self.registry.versions(self.model):
            names = tags_of(self.alias, bundle)
            if names and bundle.version != self._holder():
                self._clear(bundle, names)

    def _clear(self, bundle: RegisteredBundle, names: list[str]) -> None:
        words = f"version {bundle.version} is not the {self.alias} and has its tags: {', '.join(names)}"
        self._mend("tags", words, lambda: self.registry.untag(bundle, names))

    def _mend(self, kind: Kind, words: str, act: Callable[[], object]) -> None:
        self.repairs.mend(kind, self.alias, words, act)

    def _holder(self) -> int | None:
        return self.registry.aliases(self.model).get(self.alias)


def _named(version: int | None) -> str:
    return "nothing" if version is None else f"version {version}"
