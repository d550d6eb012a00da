"""Writing: rows and the block that holds them, in one transaction."""

from collections.abc import Mapping, Sequence
from operator import itemgetter

from sqlalchemy import Connection, bindparam, insert, select

from churn.scoring.prediction import utc_now
from churn.stores.log.blocks import Block, Kind
from churn.stores.log.chain import Tail, append, lock_tail
from churn.stores.log.digests import MOVES, PREDICTIONS, digest_of
from churn.stores.tables import predictions, promotions
from churn.stores.upserts import ignore_rows

VALUES = itemgetter(*PREDICTIONS.names)
OF_BLOCK = select(predictions.c.prediction_id, predictions.c.digest).where(predictions.c.block == bindparam("number"))
ADD_MOVE = insert(promotions)


def add_predictions(connection: Connection, rows: Sequence[dict[str, object]]) -> int:
    """Store rows of `predictions` as one block; a known id is left as it is, in the block that it is in.

    Args:
        connection: of a transaction that has locked nothing yet.
        rows: each with every column but `block` and `digest`, which they are given here.

    Returns:
        How many were new.
    """
    tail = lock_tail(connection)
    for row in rows:
        row["digest"] = PREDICTIONS.digest(VALUES(row))
        row["block"] = tail.number + 1
    is_plain = ignore_rows(connection, predictions, rows) == len(rows)
    fresh = rows if is_plain else _stored_of(connection, rows, tail.number + 1)
    if fresh:
        pairs = [(str(row["prediction_id"]), str(row["digest"])) for row in fresh]
        append(connection, _block(tail, "predictions", pairs, [str(row["predicted_at"]) for row in fresh]))
    return len(fresh)


def add_move(connection: Connection, row: Mapping[str, object]) -> int:
    """Store a row of `promotions` as a block of its own, and return the row's id.

    Args:
        connection: of a transaction that writes.
        row: every column but `id` and `block`.
    """
    tail = lock_tail(connection)
    key = connection.execute(ADD_MOVE, {**row, "block": tail.number + 1}).inserted_primary_key
    number = int(key[0]) if key else 0
    digest = MOVES.digest([{**row, "id": number}.get(name) for name in MOVES.names])
    append(connection, _block(tail, "move", [(str(number), digest)], [str(row["at"])]))
    return number


def _stored_of(connection: Connection, rows: Sequence[dict[str, object]], block: int) -> list[dict[str, object]]:
    """Return those that this transaction has stored: their id was not known, and came the first time."""
    stored = {row.prediction_id: row.digest for row in connection.execute(OF_BLOCK, {"number": block})}
    fresh: list[dict[str, object]] = []
    for row in rows:
        if stored.get(str(row["prediction_id"])) == row["digest"]:
            del stored[str(row["prediction_id"])]
            fresh.append(row)
    return fresh


def _block(tail: Tail, kind: Kind, pairs: list[tuple[str, str]], moments: list[str]) -> Block:
    digest, first, last = digest_of(pairs), min(moments), max(moments)
    return Block(tail.number + 1, kind, len(pairs), digest, first, last, utc_now(), "", tail.hash)
