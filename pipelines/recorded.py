"""Recorded: one prediction as it is stored, its place in the log, and whether it is as it was written.

Reads:  the SQL store.
Writes: nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from churn.errors import NotFoundError
from churn.settings import Settings
from churn.stores.database import open_migrated
from churn.stores.log.blocks import Block
from churn.stores.log.checking import SeenRow, wrong_with
from churn.stores.log.digests import PREDICTIONS
from churn.stores.log.reading import COLUMNS, one_moment, rows_of
from churn.stores.tables import log_blocks, predictions


@dataclass(frozen=True, slots=True)
class Shown:
    """A recorded prediction and its place in the log.

    Attributes:
        row: every column that was recorded.
        digest: of it, as it is now.
        block: that holds it; None: no block does.
        problems: what is wrong with it, with its block, or with rows beside it.
    """

    row: dict[str, object]
    digest: str
    block: Block | None
    problems: tuple[str, ...]


def show(prediction_id: str, *, settings: Settings) -> Shown:
    """Return a recorded prediction, its block, and whether both are as they were written.

    Raises:
        NotFoundError: no such prediction is stored.
    """
    with one_moment(open_migrated(settings.database_url)) as connection:
        query = select(*PREDICTIONS.columns, predictions.c.block, predictions.c.digest)
        row = connection.execute(query.where(predictions.c.prediction_id == prediction_id)).first()
        if row is None:
            raise NotFoundError(f"no prediction {prediction_id!r} is stored: it may wait in a spool, or be deleted")
        block = _block(connection, row)
        beside = rows_of(connection, [block]).get((block.kind, block.number), []) if block else []
    values = tuple(row)[: len(PREDICTIONS.names)]
    problems = _problems(row, block, [one.seen for one in beside])
    return Shown(dict(zip(PREDICTIONS.names, values, strict=True)), PREDICTIONS.digest(values), block, tuple(problems))


def _block(connection: Connection, row: Row[*tuple[Any, ...]]) -> Block | None:
    found = connection.execute(select(*COLUMNS).where(log_blocks.c.number == row.block)).first()
    return Block.from_row(found) if found else None


def _problems(row: Row[*tuple[Any, ...]], block: Block | None, beside: Sequence[SeenRow]) -> Iterator[str]:
    if row.block is None:
        yield "no block holds it: it is from before the log, or was added beside it (`churn audit verify` counts them)"
    elif block is None:
        yield f"it names block {row.block}, which does not exist"
    else:
        if block.hashed() != block.hash:
            yield f"block {block.number} was changed"
        yield from wrong_with(block, beside)
