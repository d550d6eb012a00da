"""Digests of stored rows: the same bytes on every database, whichever library wrote or reads them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Column, Double, Integer, Table

from churn.stores.tables import predictions, promotions

OF_THE_LOG = frozenset({"block", "digest"})
"""Columns that say where in the log a row is: not what was recorded."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows of one table become bytes.

    A row is a JSON list of its values, in the order of the table's columns. A float is written by its bits
    (`float.hex`), because libraries print them differently; nulls at the end are left out, so that a column that is
    added later changes no digest.

    Attributes:
        names: of the columns, in the table's order, those of the log left out.
        columns: the same, to be selected.
    """

    names: tuple[str, ...]
    columns: tuple[Column[object], ...]
    _doubles: tuple[int, ...]
    _integers: tuple[int, ...]

    @classmethod
    def of(cls, table: Table) -> "Shape":
        """Return the shape of a table's rows."""
        columns = tuple(column for column in table.columns if column.name not in OF_THE_LOG)
        doubles = (place for place, column in enumerate(columns) if isinstance(column.type, Double))
        integers = (place for place, column in enumerate(columns) if isinstance(column.type, Integer))
        return cls(tuple(str(column.name) for column in columns), columns, tuple(doubles), tuple(integers))

    def digest(self, row: Sequence[object]) -> str:
        """Return the sha256 of a row, given its values in the order of `names`; in hexadecimal."""
        values = list(row)
        for place in self._doubles:
            value = values[place]
            if isinstance(value, float | int):
                values[place] = (value + 0.0).hex()  # SQLite knows no negative zero
        for place in self._integers:
            value = values[place]
            if isinstance(value, int):
                values[place] = int(value)
        while values and values[-1] is None:
            values.pop()
        # What a database can hold against its column's type (SQLite does) is written as Python shows it: it differs.
        return hashlib.sha256(orjson.dumps(values, default=repr)).hexdigest()


PREDICTIONS = Shape.of(predictions)
MOVES = Shape.of(promotions)


def digest_of(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the digest of many rows, given (key, digest) of each in any order.

    They are sorted here: databases sort text in different ways.
    """
    return hashlib.sha256("".join(digest for _, digest in sorted(pairs)).encode()).hexdigest()
