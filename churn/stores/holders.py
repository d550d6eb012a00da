"""Holders: which version had which alias at a moment, and every move with what the gate had said of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Engine

from churn.stores.gate_verdicts import GateVerdict, GateVerdictStore
from churn.stores.promotions import Promotion, PromotionLog

ALL = 1_000_000
"""Rows of the log of moves that are read: moves are rare."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A version that had an alias.

    Attributes:
        digest: of its bundle, as it was noted when it was registered; "" when nobody noted it.
        since: when the move was noted as done.
        actor: who moved it.
        reason: why.
        action: promote, rollback, give, or foreign for a move that was made without us and seen later.
        under_way: versions to which a move of this alias had begun and not ended at that moment.
    """

    alias: str
    version: int | None
    digest: str
    since: str
    actor: str
    reason: str
    action: str
    under_way: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class WhatWasLive:
    """Every alias's version at a moment.

    Attributes:
        first_at: when the first move of all was noted; None: there was none.
        holders: aliases that somebody had moved by then; `version` None: it was taken away.
    """

    at: str
    first_at: str | None
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class Noted:
    """A row of the log of moves, with what the gate had said of the version last.

    Attributes:
        digest: of the version's bundle, as it was noted when it was registered.
        decision: promote, hold or reject; "" when the gate was not asked before.
    """

    move: Promotion
    digest: str
    decision: str

    def as_dict(self) -> dict[str, object]:
        """Return it flat."""
        return {**asdict(self.move), "digest": self.digest, "decision": self.decision}


def what_was_live(engine: Engine, model: str, at: str) -> WhatWasLive:
    """Say which version had which alias at a moment.

    Args:
        engine: a migrated database.
        model: the registered model.
        at: as `churn.scoring.prediction.utc_text` writes it.
    """
    log = PromotionLog(engine)
    moves = [move for move in reversed(log.history(model, ALL)) if move.alias]
    digests = log.registered_digests(model)
    made = {move.alias: move for move in moves if move.status == "done" and move.at <= at}  # the last one stays
    open_moves = _under_way(moves, at)
    holders = (_holder(move, digests, open_moves.get(alias, ())) for alias, move in sorted(made.items()))
    first = next((move.at for move in moves if move.status == "done"), None)
    return WhatWasLive(at, first, tuple(holders))


def history(engine: Engine, model: str, *, alias: str | None = None, version: int | None = None) -> list[Noted]:
    """Return every move and registration, oldest first.

    Args:
        engine: a migrated database.
        model: the registered model.
        alias: only its moves; None: of all, and registrations.
        version: only moves to or from it.
    """
    log, verdicts = PromotionLog(engine), GateVerdictStore(engine).history(model, limit=ALL)
    digests = log.registered_digests(model)
    return [
        Noted(move, digests.get(move.to_version or 0, ""), _decision(move, verdicts))
        for move in reversed(log.history(model, ALL))
        if alias in (None, move.alias) and version in (None, move.to_version, move.from_version)
    ]


def _holder(move: Promotion, digests: Mapping[int, str], under_way: Iterable[int | None]) -> Holder:
    digest = digests.get(move.to_version or 0, "")
    who = (move.at, move.actor, move.reason, move.action)
    return Holder(move.alias, move.to_version, digest, *who, tuple(under_way))


def _under_way(moves: Sequence[Promotion], at: str) -> dict[str, list[int | None]]:
    """Return where the aliases were being moved to at a moment: between its two notes a move may have been made."""
    ended = {move.move_id for move in moves if move.status != "prepared" and move.at <= at}
    found: dict[str, list[int | None]] = {}
    for move in moves:
        if move.status == "prepared" and move.at <= at and move.move_id not in ended:
            found.setdefault(move.alias, []).append(move.to_version)
    return found


def _decision(move: Promotion, verdicts: Sequence[GateVerdict]) -> str:
    """Return what the newest verdict on the version was when the move was noted; verdicts are newest first."""
    of_it = (one.decision for one in verdicts if one.version == move.to_version and one.at <= move.at)
    return next(of_it, "")
