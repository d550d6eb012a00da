"""Plain values: those of a JSON column that the request form takes as they are, found a column at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import NoneType

import numpy as np

from churn.contract.cells import Distinct, readable_texts
from churn.contract.column import Column
from churn.contract.part import LARGEST_NUMBER
from churn.contract.request import MISSING_TEXT
from churn.contract.texts import MAX_TEXT

NUMBERS: frozenset[type] = frozenset({int, float, NoneType})
TRUTHS: frozenset[type] = frozenset({bool, int, NoneType})
TEXTS: frozenset[type] = frozenset({str, int, NoneType})
LARGEST_ID = 2**63


@dataclass(frozen=True, slots=True)
class PlainColumn:
    """A column of records.

    Attributes:
        values: graph-ready; anything where `is_plain` is False. Ids are str or None.
        is_plain: whose value needs no closer look.
    """

    values: np.ndarray
    is_plain: np.ndarray


def plain_column(column: Column, cells: Sequence[object], marks: frozenset[str]) -> PlainColumn:
    """Find the plain values of one column.

    Args:
        column: what the values have to be.
        cells: JSON values, None for absent and null.
        marks: texts that stand for no value in a table, and that the form refuses in a column with unknown values.
    """
    if not column.is_numeric:
        return _categories(column, cells, marks)
    values, is_known = _numbers(cells, TRUTHS if column.type == "boolean" else NUMBERS)
    with np.errstate(over="ignore"):
        return PlainColumn(values.astype(np.float32), is_known & _fits(column, values))


def plain_ids(cells: Sequence[object]) -> PlainColumn:
    """Find the plain customer ids; None, which is plain too, where none was sent."""
    texts = readable_texts(cells)
    if texts is not None:
        return PlainColumn(np.array(texts, object), np.ones(len(texts), bool))
    found = [str(cell) if _is_plain_id(cell) else None for cell in cells]
    is_plain = [cell is None or text is not None for cell, text in zip(cells, found, strict=True)]
    return PlainColumn(np.array(found, object), np.array(is_plain, bool))


def _is_plain_id(cell: object) -> bool:
    if type(cell) is int:
        return -LARGEST_ID < cell < LARGEST_ID
    return type(cell) is str and _is_plain_text(cell)


def _is_plain_text(text: str) -> bool:
    return 0 < len(text) <= MAX_TEXT and text.isprintable() and text.strip() == text


def _numbers(cells: Sequence[object], kinds: frozenset[type]) -> tuple[np.ndarray, np.ndarray]:
    """Return float64 values, and which cells are of these kinds."""
    if set(map(type, cells)) <= kinds:
        return np.array(cells, np.float64), np.ones(len(cells), bool)
    is_known = np.fromiter((type(cell) in kinds for cell in cells), bool, len(cells))
    values = [cell if known else None for cell, known in zip(cells, is_known, strict=True)]
    return np.array(values, np.float64), is_known


def _fits(column: Column, values: np.ndarray) -> np.ndarray:
    is_missing = np.isnan(values)
    with np.errstate(invalid="ignore"):
        if column.type == "boolean":
            fits = (values == 0) | (values == 1)
        else:
            low = -LARGEST_NUMBER if column.minimum is None else column.minimum
            high = LARGEST_NUMBER if column.maximum is None else column.maximum
            fits = (values >= low) & (values <= high)
            if column.type == "integer":
                fits &= values == np.floor(values)
    return np.asarray(fits & ~is_missing if column.required else fits | is_missing)


def _categories(column: Column, cells: Sequence[object], marks: frozenset[str]) -> PlainColumn:
    kinds = set(map(type, cells))
    known = cells if kinds <= TEXTS else [cell if type(cell) in TEXTS else "" for cell in cells]
    found = Distinct(known)
    texts = list(map(_text_reader(column, marks), found))
    values = found.spread((text or MISSING_TEXT for text in texts), object)
    return PlainColumn(values, ~found.flags(text is None for text in texts))


def _text_reader(column: Column, marks: frozenset[str]) -> Callable[[object], str | None]:
    """Return what turns one distinct cell into its text; None: a closer look is needed."""
    listed = frozenset(column.categories)

    def read(cell: object) -> str | None:
        if cell is None:
            return None if column.required else MISSING_TEXT
        if isinstance(cell, int):
            return str(cell) if str(cell) in listed else None
        if cell in listed:
            return str(cell)
        is_open = column.accept_unknown and cell not in marks and _is_plain_text(str(cell))
        return str(cell) if is_open else None

    return read
