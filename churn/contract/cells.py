"""Cells of a table as texts and numbers: whatever a CSV, Parquet file or workbook holds reads alike."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from churn.contract.texts import FALSE_TEXTS, TRUE_TEXTS

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


class Memo(dict[object, Any]):
    """Reads each distinct cell once: a column has few distinct values, and this is the cost of a big table."""

    def __init__(self, read: Callable[[object], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: object) -> Any:
        self[cell] = value = self._read(cell)
        return value


def with_comma(cell: object) -> object:
    """A number of a typed file, as its column's texts would write it."""
    return cell if isinstance(cell, str) else text_of(cell).replace(".", ",")
