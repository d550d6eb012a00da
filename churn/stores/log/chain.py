"""The chain's end: locked first by whoever writes, so that blocks follow each other one by one."""

from dataclasses import asdict, dataclass

import orjson
from sqlalchemy import Connection, Table, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from churn.errors import StoreError
from churn.scoring.prediction import utc_now
from churn.stores.log.blocks import NOTHING, Block
from churn.stores.tables import log_blocks, log_head, predictions, promotions
from churn.stores.upserts import insert_or_ignore

NAME = "log"
LOCK = select(log_head.c.number, log_head.c.hash).where(log_head.c.name == NAME).with_for_update()
LAST = select(log_blocks.c.number, log_blocks.c.hash).order_by(log_blocks.c.number.desc()).limit(1)
ADD = insert(log_blocks)
MOVE = update(log_head).where(log_head.c.name == NAME).values(number=bindparam("to"), hash=bindparam("its"))
# Statements are made once: SQLAlchemy knows them again, and each batch of a relay needs them all.


@dataclass(frozen=True, slots=True)
class Tail:
    """The last block's number and hash; a block follows it only while its transaction holds the lock."""

    number: int
    hash: str


def lock_tail(connection: Connection) -> Tail:
    """Lock the log until this transaction ends, and return its end. The first writer of all begins the log.

    Take it before any other lock of the transaction: two writers that wait for each other would wait for ever. On
    SQLite every transaction that writes is alone already.
    """
    found = connection.execute(LOCK).first()
    if found is None:
        first = {"name": NAME, "number": -1, "hash": NOTHING}
        connection.execute(insert_or_ignore(log_head, connection.dialect.name), first)
        found = connection.execute(LOCK).one()
    return Tail(found.number, found.hash) if found.number >= 0 else _found_or_begun(connection)


def append(connection: Connection, block: Block) -> Tail:
    """Add a block that follows the locked tail.

    Raises:
        StoreError: the log has such a block already: somebody changed its head.
    """
    whole = block.sealed()
    try:
        connection.execute(ADD, asdict(whole))
    except IntegrityError as error:
        # No RefusedError: the relay would set the predictions aside for ever, and they are not to blame.
        raise StoreError(
            f"the log has a block {whole.number} already, its head was changed: `churn audit verify` says what else, "
            "docs/record.md how to mend it; until then predictions wait in the spool"
        ) from error
    connection.execute(MOVE, {"to": whole.number, "its": whole.hash})
    return Tail(whole.number, whole.hash)


def _found_or_begun(connection: Connection) -> Tail:
    """Without a head, go on at the last block; without any block, begin, and note what nobody has logged."""
    last = connection.execute(LAST).first()
    if last is not None:
        connection.execute(MOVE, {"to": last.number, "its": last.hash})
        return Tail(last.number, last.hash)
    before = {
        name: _unlogged(connection, table) for name, table in (("predictions", predictions), ("moves", promotions))
    }
    now = utc_now()
    return append(connection, Block(0, "genesis", 0, "", now, now, now, orjson.dumps(before).decode(), NOTHING))


def _unlogged(connection: Connection, table: Table) -> int:
    query = select(func.count()).select_from(table).where(table.c.block.is_(None))
    return connection.execute(query).scalar_one()
