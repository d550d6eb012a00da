"""Retention: deletes predictions of whole blocks; the blocks stay, and the deletion is a block of its own.

Each step is one transaction of a few thousand rows, so that relays wait for a moment only, and a run that dies in
between is gone on with by the next.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, select

from churn.errors import ConflictError
from churn.scoring.prediction import utc_now
from churn.stores.log.blocks import Block
from churn.stores.log.chain import append, lock_tail
from churn.stores.log.checking import wrong_with
from churn.stores.log.ranges import Range, ranges_in, ranges_of, without
from churn.stores.log.reading import COLUMNS, rows_of
from churn.stores.tables import log_blocks, predictions
from churn.stores.transactions import reading, writing

BLOCKS_AT_ONCE = 32
ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be deleted, and who wants it.

    Attributes:
        before: predictions of blocks whose newest one is older; a moment as it is stored.
    """

    before: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Retained:
    """What was deleted, or would be.

    Attributes:
        blocks: whose predictions they are.
        predictions: in all.
        unlogged: of these, from before the log.
    """

    blocks: int = 0
    predictions: int = 0
    unlogged: int = 0

    def plus(self, blocks: int, predictions: int, unlogged: int = 0) -> "Retained":
        """Return the sum."""
        return Retained(self.blocks + blocks, self.predictions + predictions, self.unlogged + unlogged)


def would_retain(engine: Engine, before: str) -> Retained:
    """Count what `retain` would delete, and delete nothing."""
    old = (log_blocks.c.kind == "predictions") & (log_blocks.c.last_at < before)
    query = select(log_blocks.c.number, log_blocks.c.rows).where(old).order_by(log_blocks.c.number)
    with reading(engine) as connection:
        rows = {row.number: row.rows for row in connection.execute(query)}
        left = _left(rows, _deleted(connection))
        unlogged = connection.execute(
            select(func.count()).select_from(predictions).where(_unlogged(before))
        ).scalar_one()
    return Retained(len(left), sum(rows[number] for number in left) + unlogged, unlogged)


def retain(engine: Engine, order: Order, *, say: Callable[[Retained], None]) -> Retained:
    """Delete old predictions step by step.

    Args:
        engine: a migrated database.
        order: which.
        say: is told after each step what was deleted so far.

    Raises:
        ConflictError: the predictions of a block are not as they were recorded; they stay, for somebody to look at.
    """
    done, after = Retained(), -1
    while True:
        with writing(engine) as connection:
            blocks = _old_blocks(connection, order.before, after)
            if blocks:
                done = _delete_blocks(connection, blocks, order, done)
        if not blocks:
            break
        after = blocks[-1].number
        say(done)
    while True:
        with writing(engine) as connection:
            count = _delete_unlogged(connection, order)
        if not count:
            return done
        done = done.plus(0, count, count)
        say(done)


def _old_blocks(connection: Connection, before: str, after: int) -> list[Block]:
    """Lock the log, and return the next blocks that are old; some of them may be empty already."""
    lock_tail(connection)
    old = (log_blocks.c.kind == "predictions") & (log_blocks.c.last_at < before) & (log_blocks.c.number > after)
    query = select(*COLUMNS).where(old).order_by(log_blocks.c.number).limit(BLOCKS_AT_ONCE)
    return [Block.from_row(row) for row in connection.execute(query)]


def _delete_blocks(connection: Connection, blocks: Sequence[Block], order: Order, done: Retained) -> Retained:
    left = set(_left([block.number for block in blocks], _deleted(connection)))
    blocks = [block for block in blocks if block.number in left]
    if not blocks:
        return done
    _require_sound(connection, blocks)
    numbers = [block.number for block in blocks]
    count = connection.execute(delete(predictions).where(predictions.c.block.in_(numbers))).rowcount
    _note(connection, order, {"blocks": ranges_of(numbers), "predictions": count, "unlogged": 0})
    return done.plus(len(blocks), count)


def _delete_unlogged(connection: Connection, order: Order) -> int:
    lock_tail(connection)
    query = select(predictions.c.prediction_id).where(_unlogged(order.before)).limit(ROWS_AT_ONCE)
    keys = connection.execute(query).scalars().all()
    if keys:
        connection.execute(delete(predictions).where(predictions.c.prediction_id.in_(keys)))
        _note(connection, order, {"blocks": [], "predictions": len(keys), "unlogged": len(keys)})
    return len(keys)


def _require_sound(connection: Connection, blocks: Sequence[Block]) -> None:
    """What was tampered with is never deleted: it would be forgotten."""
    rows = rows_of(connection, blocks)
    for block in blocks:
        for words in wrong_with(block, [row.seen for row in rows.get(("predictions", block.number), [])]):
            raise ConflictError(f"nothing more was deleted: {words}. `churn audit verify` says all that is wrong")
        if block.hashed() != block.hash:
            raise ConflictError(f"nothing more was deleted: block {block.number} was changed; see `churn audit verify`")


def _note(connection: Connection, order: Order, facts: dict[str, object]) -> None:
    tail, now = lock_tail(connection), utc_now()
    said = {"before": order.before, **facts, "actor": order.actor, "reason": order.reason}
    block = Block(tail.number + 1, "retention", 0, "", now, now, now, orjson.dumps(said).decode(), tail.hash)
    append(connection, block)


def _deleted(connection: Connection) -> list[Range]:
    query = select(*COLUMNS).where(log_blocks.c.kind == "retention").order_by(log_blocks.c.number)
    notes = [Block.from_row(row) for row in connection.execute(query)]
    return [one for note in notes for one in ranges_in(note.facts.get("blocks"))]


def _left(numbers: Sequence[int] | dict[int, int], deleted: Sequence[Range]) -> list[int]:
    return [number for low, high in without(ranges_of(numbers), deleted) for number in range(low, high + 1)]


def _unlogged(before: str) -> ColumnElement[bool]:
    return and_(predictions.c.block.is_(None), predictions.c.predicted_at < before)
