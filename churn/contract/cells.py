"""Cells of a table as texts and numbers: whatever a CSV, Parquet file or workbook holds reads alike."""

import math
import re
from collections.abc import Sequence
from functools import cache
from itertools import compress
from types import NoneType

import numpy as np

from churn.contract.texts import FALSE_TEXTS, MAX_TEXT, TRUE_TEXTS

COMMA_NUMBER = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")

SCALARS = frozenset({str, int, float, bool})


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


class Codes(dict[object, int]):
    """Numbers distinct cells in the order of their coming."""

    def __missing__(self, cell: object) -> int:
        self[cell] = code = len(self)
        return code


def coded(cells: Sequence[object]) -> tuple[Codes, np.ndarray]:
    """Return the distinct cells, and each cell's place among them: intp of shape (cells,).

    A column has few distinct values: what is done once for each of them is the cost of a big table.
    """
    codes = Codes()
    return codes, np.fromiter(map(codes.__getitem__, cells), np.intp, len(cells))


def plain_numbers(cells: Sequence[object], marks: frozenset[str]) -> np.ndarray | None:
    """Read a column of numbers at once, as `text_of` and `plain_number` would cell by cell.

    Returns:
        float64 of shape (cells,), NaN for no value; None when a cell needs a closer look.
    """
    kinds = set(map(type, cells))
    try:
        if kinds == {str}:
            return _numbers_of_texts(cells, marks)  # type: ignore[arg-type]
        if kinds <= {int, float, NoneType} and not _numeric_marks(marks):
            return np.array(cells, np.float64)
    except (ValueError, OverflowError):
        pass
    return None


def _numbers_of_texts(texts: Sequence[str], marks: frozenset[str]) -> np.ndarray | None:
    is_missing = np.zeros(len(texts), bool)
    if _numeric_marks(marks) or not marks.isdisjoint(texts) or not all(map(str.strip, texts)):
        is_missing = np.fromiter((text.strip() in marks or not text.strip() for text in texts), bool, len(texts))
    values = np.full(len(texts), math.nan)
    values[~is_missing] = list(map(float, compress(texts, ~is_missing)))
    has_other = np.isnan(values[~is_missing]).any() or "_" in "".join(compress(texts, ~is_missing))
    return None if has_other else values


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
