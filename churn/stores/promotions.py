"""The audit of every move of an alias, and of what was registered: rows are added, never changed."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, Row, func, select

from churn.errors import BundleError, ConflictError, NotFoundError
from churn.stores.log.writing import add_move
from churn.stores.tables import promotions
from churn.stores.transactions import database_now_text, reading, writing

Action = Literal["register", "promote", "rollback", "give", "take", "foreign"]
"""`promote` and `rollback` move production; `give` and `take` any other alias; `register` makes a version that no alias
names yet; `foreign` is a move that somebody made without us, noted when it was seen."""

Status = Literal["prepared", "done", "refused", "failed"]
Ending = Literal["done", "refused", "failed"]

STRANGE = (
    "is in the registry and not in our log: nobody ran `churn register` for it; `churn reconcile --adopt REASON` takes "
    "it in"
)


@dataclass(frozen=True, slots=True)
class Move:
    """A move of an alias that somebody wants."""

    model_name: str
    action: Action
    from_version: int | None
    """None: nothing was in production."""

    to_version: int | None
    actor: str
    """Who wants it: a person, or a job."""

    alias: str = "production"
    """Empty for `register`."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """One row of the audit. A move is `prepared` and then, under the same `move_id`, ended."""

    id: int
    move_id: str
    model_name: str
    action: Action
    from_version: int | None
    to_version: int | None
    status: Status
    actor: str
    reason: str
    details: Mapping[str, object]
    at: str
    alias: str = "production"
    block: int | None = None
    """Number of the block of the log that holds it; None: it is from before the log."""


class PromotionLog:
    """The table of promotions. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def prepare(self, move: Move, *, reason: str, details: Mapping[str, object] | None = None) -> str:
        """Note that a move is about to be made, and return its `move_id`."""
        move_id = str(uuid.uuid4())
        with writing(self._engine) as connection:
            _add(connection, {"move_id": move_id, **asdict(move), "status": "prepared", "reason": reason}, details)
        return move_id

    def finish(
        self, move_id: str, status: Ending, reason: str = "", *, details: Mapping[str, object] | None = None
    ) -> None:
        """Note how a prepared move ended.

        Raises:
            NotFoundError: no such move was prepared.
            ConflictError: it has ended already.
        """
        with writing(self._engine) as connection:
            moves = connection.execute(select(promotions).where(promotions.c.move_id == move_id)).all()
            if not moves:
                raise NotFoundError(f"no move {move_id!r} was prepared: call prepare() first")
            if ended := [move for move in moves if move.status != "prepared"]:
                raise ConflictError(f"the move {move_id!r} has ended already: {ended[0].status} at {ended[0].at}")
            row = {name: getattr(moves[0], name) for name in ("move_id", *Move.__dataclass_fields__)}
            _add(connection, {**row, "status": status, "reason": reason}, details)

    def note(self, move: Move, *, reason: str, details: Mapping[str, object] | None = None) -> str:
        """Note what is done already, in one row: a registration, or a move that somebody made without us."""
        move_id = str(uuid.uuid4())
        with writing(self._engine) as connection:
            _add(connection, {"move_id": move_id, **asdict(move), "status": "done", "reason": reason}, details)
        return move_id

    def history(self, model_name: str, limit: int = 50) -> list[Promotion]:
        """Return the newest rows of a model, newest first."""
        return self._rows(promotions.c.model_name == model_name, limit=limit)

    def last_done(self, model_name: str, alias: str = "production") -> Promotion | None:
        """Return the last move of an alias that was made; None when there was none."""
        of_alias = (promotions.c.model_name == model_name, promotions.c.alias == alias)
        rows = self._rows(*of_alias, promotions.c.status == "done", limit=1)
        return rows[0] if rows else None

    def last_of_each(self, model_name: str) -> dict[str, Promotion]:
        """Return the last move of each alias that was made, by alias."""
        is_done = (promotions.c.model_name == model_name) & (promotions.c.status == "done") & (promotions.c.alias != "")
        newest = select(func.max(promotions.c.id)).where(is_done).group_by(promotions.c.alias)
        return {move.alias: move for move in self._rows(promotions.c.id.in_(newest), limit=None)}

    def registered_digest(self, model_name: str, version: int) -> str | None:
        """Return the digest that was noted when a version was registered; None: nobody noted it."""
        registrations = self._registrations(model_name, promotions.c.to_version == version, limit=1)
        return str(registrations[0].details["digest"]) if registrations else None

    def registered_digests(self, model_name: str) -> dict[int, str]:
        """Return the digest of each version whose registration was noted."""
        return {
            move.to_version: str(move.details["digest"])
            for move in reversed(self._registrations(model_name, limit=None))
            if move.to_version is not None
        }

    def require_registered(self, model_name: str, version: int, digest: str) -> None:
        """Make sure that a version is what was registered here; one from before the first note is believed.

        Raises:
            BundleError: the registry names another digest than the log, or the log does not know the version.
        """
        known = self.registered_digests(model_name)
        if problem := unknown_because(known, version, digest):
            raise BundleError(f"version {version} of {model_name} {problem}")

    def _registrations(self, model_name: str, *conditions: ColumnElement[bool], limit: int | None) -> list[Promotion]:
        is_registration = (promotions.c.model_name == model_name) & (promotions.c.action == "register")
        return self._rows(is_registration, *conditions, limit=limit)

    def unfinished(self, model_name: str) -> list[Promotion]:
        """Return moves that were prepared and never ended, newest first: their process died, or is at work."""
        ended = select(promotions.c.move_id).where(promotions.c.status != "prepared")
        return self._rows(promotions.c.model_name == model_name, promotions.c.move_id.not_in(ended), limit=None)

    def _rows(self, *conditions: ColumnElement[bool], limit: int | None) -> list[Promotion]:
        query = select(promotions).where(*conditions).order_by(promotions.c.id.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [_from_row(row) for row in connection.execute(query)]


def unknown_because(known: Mapping[int, str], version: int, digest: str) -> str:
    """Say why a version is not what was registered here; "" when it is.

    Args:
        known: digest by version, as the log has them.
        version: which.
        digest: what the registry says of it.
    """
    if version not in known:
        is_of_before = not known or version < min(known)
        return "" if is_of_before else STRANGE
    if known[version] == digest:
        return ""
    return (
        f"has the digest {digest[:12] or 'of nothing'} in the registry and {known[version][:12]} in our log: "
        "it is not what was registered; train and register it anew"
    )


def _add(connection: Connection, row: Mapping[str, object], details: Mapping[str, object] | None) -> None:
    now, text = database_now_text(connection), orjson.dumps(details or {}).decode()
    add_move(connection, {**row, "details": text, "at": now})


def _from_row(row: Row[tuple[object, ...]]) -> Promotion:
    fields = row._asdict()
    return Promotion(**{**fields, "details": orjson.loads(fields["details"])})
