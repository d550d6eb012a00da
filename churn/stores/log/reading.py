"""Reading: the log and its rows out of the database, a few thousand rows at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Table, func, select

from churn.stores.log.blocks import NOTHING, Block
from churn.stores.log.chain import NAME, Tail
from churn.stores.log.checking import SeenRow, Strays
from churn.stores.log.digests import MOVES, PREDICTIONS, Shape
from churn.stores.tables import log_blocks, log_head, predictions, promotions
from churn.stores.transactions import reading

BLOCKS_AT_ONCE = 1_000
ROWS_AT_ONCE = 5_000
COLUMNS = tuple(log_blocks.c[name] for name in Block.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row of a block.

    Attributes:
        values: by column, those of the log left out.
        seen: its digests.
    """

    values: dict[str, object]
    seen: SeenRow


Walk = Iterator[tuple[Block, list[StoredRow] | None]]


@contextmanager
def one_moment(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads, and sees the database as it is now however long it reads."""
    with reading(engine) as connection:
        if engine.dialect.name in {"postgresql", "mysql"}:  # a reader of SQLite sees nothing else
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


def walk(connection: Connection, *, since: str = "", until: str = "~") -> Walk:
    """Yield every block with its rows, in their order.

    Args:
        connection: of a transaction that sees one moment.
        since: blocks that end earlier have None instead of their rows; a moment as it is stored.
        until: likewise, blocks that begin then or later.
    """
    for blocks in _spans(connection):
        wanted = [block for block in blocks if block.last_at >= since and block.first_at < until]
        found = rows_of(connection, wanted) if wanted else {}
        numbers = {block.number for block in wanted}
        for block in blocks:
            rows = found.get((block.kind, block.number), [])
            yield block, rows if block.number in numbers else None


def head_of(connection: Connection) -> Tail:
    """Return where the database says that the log ends; number -1: nothing was logged."""
    query = select(log_head.c.number, log_head.c.hash).where(log_head.c.name == NAME)
    found = connection.execute(query).first()
    return Tail(found.number, found.hash) if found else Tail(-1, NOTHING)


def strays_of(connection: Connection, *, seen: int | None) -> Strays:
    """Count rows in no block.

    Args:
        connection: of the same transaction as the walk.
        seen: rows that the walk has seen in their blocks; None: it has not looked at all.
    """
    of_predictions, of_moves = (_count(connection, table, is_loose=True) for table in (predictions, promotions))
    held = sum(_count(connection, table, is_loose=False) for table in (predictions, promotions))
    return Strays(of_predictions, of_moves, lost=0 if seen is None else held - seen)


def _count(connection: Connection, table: Table, *, is_loose: bool) -> int:
    block = table.c.block
    query = select(func.count()).select_from(table).where(block.is_(None) if is_loose else block.is_not(None))
    return connection.execute(query).scalar_one()


def _spans(connection: Connection) -> Iterator[list[Block]]:
    """Yield blocks that follow each other and have about so many rows together."""
    span: list[Block] = []
    rows = 0
    for block in _blocks(connection):
        if span and rows + block.rows > ROWS_AT_ONCE:
            yield span
            span, rows = [], 0
        span.append(block)
        rows += block.rows
    if span:
        yield span


def _blocks(connection: Connection) -> Iterator[Block]:
    query, number = select(*COLUMNS).order_by(log_blocks.c.number).limit(BLOCKS_AT_ONCE), None
    while True:
        found = connection.execute(query if number is None else query.where(log_blocks.c.number > number)).all()
        yield from map(Block.from_row, found)
        if len(found) < BLOCKS_AT_ONCE:
            return
        number = found[-1].number


def rows_of(connection: Connection, blocks: Sequence[Block]) -> dict[tuple[str, int], list[StoredRow]]:
    """Return the rows of ascending blocks, by kind and number; also of blocks between them."""
    found: dict[tuple[str, int], list[StoredRow]] = {}
    for kind, table, shape in (("predictions", predictions, PREDICTIONS), ("move", promotions, MOVES)):
        numbers = [block.number for block in blocks if block.kind == kind]
        if not numbers:
            continue
        extra = (table.c.block, table.c.digest) if kind == "predictions" else (table.c.block,)
        query = select(*shape.columns, *extra).where(table.c.block.between(numbers[0], numbers[-1]))
        for row in connection.execute(query):
            found.setdefault((kind, row.block), []).append(_stored(tuple(row), shape))
    return found


def _stored(row: tuple[object, ...], shape: Shape) -> StoredRow:
    """Read a row; of the columns after the shape's own the first is the block, the second the noted digest."""
    size = len(shape.names)
    digest, noted = shape.digest(row[:size]), row[size + 1 :]
    values = dict(zip(shape.names, row, strict=False))
    return StoredRow(values, SeenRow(str(row[0]), digest, digest if not noted else _text(noted[0])))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
