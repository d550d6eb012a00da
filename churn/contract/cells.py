"""Cells of a table as texts and numbers: whatever a CSV, Parquet file or workbook holds reads alike."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import compress
from types import NoneType
from typing import Any

import numpy as np

from churn.contract.texts import FALSE_TEXTS, MAX_TEXT, TRUE_TEXTS

COMMA_NUMBER = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")

SCALARS = frozenset({str, int, float, bool})
TEXTS = frozenset({str, NoneType})


def distinct(cells: Sequence[object]) -> Sequence[object]:
    """Return cells that a dictionary tells apart: True equals 1 there, and a list can't be a key."""
    kinds = set(map(type, cells)) - {type(None)}
    is_plain = len(kinds) <= 1 and kinds <= SCALARS
    return cells if is_plain else [text_of(cell) for cell in cells]


def text_of(cell: object) -> str:
    """The text of a cell; a whole float reads like an integer, because Parquet and XLSX widen."""
    match cell:
        case str():
            return cell.strip()
        case None:
            return ""
        case float() if math.isnan(cell):
            return ""
        case float() if cell.is_integer() and abs(cell) < 2**53:
            return str(int(cell))
        case _:
            return str(cell).strip()


def plain_number(text: str) -> float:
    """Read a finite or infinite number.

    Raises:
        ValueError: the text is no number.
    """
    value = float(text)
    if "_" in text or math.isnan(value):
        raise ValueError(text)
    return value


def comma_number(text: str) -> float:
    """Read 1.234,56 as 1234.56; points may only stand between thousands.

    Raises:
        ValueError: the text is no such number.
    """
    if not COMMA_NUMBER.fullmatch(text.strip()):
        raise ValueError(text)
    return plain_number(text.strip().replace(".", "").replace(",", "."))


def truth(text: str) -> float:
    """Read a boolean as 1 or 0.

    Raises:
        ValueError: the text is neither true nor false.
    """
    if text.lower() in TRUE_TEXTS:
        return 1.0
    if text.lower() in FALSE_TEXTS:
        return 0.0
    raise ValueError(text)


class Distinct:
    """The distinct cells of a column: few, so that what is done once for each of them is the cost of a big table."""

    def __init__(self, cells: Sequence[object]) -> None:
        self._cells, self._codes = _keys_of(cells)

    def __iter__(self) -> Iterator[object]:
        """Yield them in the order of their coming."""
        return iter(self._codes)

    def spread(self, values: Iterable[object], kind: type | np.dtype[Any]) -> np.ndarray:
        """Return one value per cell, of shape (cells,), from one per distinct cell."""
        by_cell = dict(zip(self._codes, values, strict=True))
        found = np.empty(len(self._cells), kind)
        found[:] = list(map(by_cell.__getitem__, self._cells))
        return found

    def flags(self, is_so: Iterable[bool]) -> np.ndarray:
        """Return a truth per cell from one per distinct cell; mostly all are False."""
        truths = list(is_so)
        return self.spread(truths, bool) if any(truths) else np.zeros(len(self._cells), bool)


def _keys_of(cells: Sequence[object]) -> tuple[Sequence[object], dict[object, None]]:
    """Return the cells as keys that a dictionary tells apart, and these once each."""
    with suppress(TypeError):  # a list is no key
        keys = dict.fromkeys(cells)
        if set(map(type, keys)) <= TEXTS or distinct(cells) is cells:
            return cells, keys
    texts = list(map(text_of, cells))
    return texts, dict.fromkeys(texts)


def plain_numbers(cells: Sequence[object], marks: frozenset[str]) -> np.ndarray | None:
    """Read a column of numbers at once, as `text_of` and `plain_number` would cell by cell.

    Returns:
        float64 of shape (cells,), NaN for no value; None when a cell needs a closer look.
    """
    if _numeric_marks(marks):
        return None
    try:
        return _numbers_of_texts(cells, "".join(cells), marks)  # type: ignore[arg-type]
    except TypeError:  # not only texts
        return _numbers_of_numbers(cells)


def _numbers_of_texts(texts: Sequence[str], joined: str, marks: frozenset[str]) -> np.ndarray | None:
    if "_" in joined:
        return None
    try:
        values = np.array(list(map(float, texts)))
    except ValueError:
        return _numbers_among_marks(texts, marks)
    return None if np.isnan(values).any() else values


def _numbers_among_marks(texts: Sequence[str], marks: frozenset[str]) -> np.ndarray | None:
    is_value = np.fromiter((text.strip() not in marks and not text.isspace() for text in texts), bool, len(texts))
    values = np.full(len(texts), math.nan)
    try:
        values[is_value] = list(map(float, compress(texts, is_value)))
    except ValueError:
        return None
    return None if np.isnan(values[is_value]).any() else values


def _numbers_of_numbers(cells: Sequence[object]) -> np.ndarray | None:
    if not set(map(type, cells)) <= {int, float, NoneType}:
        return None
    try:
        return np.array(cells, np.float64)
    except OverflowError:
        return None


@cache
def _numeric_marks(marks: frozenset[str]) -> frozenset[str]:
    """Return the marks that would also read as a number."""
    return frozenset(mark for mark in marks if _is_number(mark))


def _is_number(text: str) -> bool:
    try:
        plain_number(text)
    except ValueError:
        return False
    return True


def readable_texts(cells: Sequence[object]) -> list[str] | None:
    """Return the cells as stripped texts if each is one, readable, without control characters; None: look closer."""
    if set(map(type, cells)) != {str}:
        return None
    texts: list[str] = list(map(str.strip, cells))  # type: ignore[arg-type]
    is_plain = "".join(cells).isprintable() and all(texts) and max(map(len, texts)) <= MAX_TEXT  # type: ignore[arg-type]
    return texts if is_plain else None


def with_comma(cell: object) -> object:
    """A number of a typed file, as its column's texts would write it."""
    return cell if isinstance(cell, str) else text_of(cell).replace(".", ",")
