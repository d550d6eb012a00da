"""One column of a table held against its description: graph-ready values, and the rows at fault."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from churn.contract.cells import Distinct, comma_number, plain_number, plain_numbers, text_of, truth, with_comma
from churn.contract.column import Column
from churn.contract.part import LARGEST_NUMBER
from churn.contract.request import MISSING_TEXT
from churn.contract.texts import is_readable


@dataclass(frozen=True, slots=True)
class CheckedColumn:
    """Values of all rows, which of them are missing or unknown, and per fault the rows that have it."""

    values: np.ndarray
    is_missing: np.ndarray
    is_unknown: np.ndarray
    faults: dict[str, np.ndarray]


def check_column(column: Column, cells: Sequence[object], marks: frozenset[str]) -> CheckedColumn:
    """Hold one cell per row against the column; `marks` are the texts that stand for no value."""
    checked = _numbers(cells, column, marks) if column.is_numeric else _categories(cells, column, marks)
    if column.required:
        checked.faults["a value is required"] = checked.is_missing
    return checked


def absent_column(column: Column, rows: int) -> CheckedColumn:
    """Return a column that the table does not have: missing in every row."""
    values = np.full(rows, np.nan, np.float32) if column.is_numeric else np.full(rows, MISSING_TEXT, object)
    return CheckedColumn(values, np.ones(rows, bool), np.zeros(rows, bool), {})


def _numbers(cells: Sequence[object], column: Column, marks: frozenset[str]) -> CheckedColumn:
    written = list(map(with_comma, cells)) if column.decimal_comma else cells
    values, is_missing, is_bad = _parse(written, _reader(column), marks)
    is_read = ~is_missing & ~is_bad
    faults = {"not true or false" if column.type == "boolean" else "not a number": is_bad}
    with np.errstate(invalid="ignore"):
        faults["too large"] = is_read & ~(np.abs(values) <= LARGEST_NUMBER)
        if column.minimum is not None:
            faults[f"below the minimum {column.minimum:g}"] = is_read & (values < column.minimum)
        if column.maximum is not None:
            faults[f"above the maximum {column.maximum:g}"] = is_read & (values > column.maximum)
        if column.type == "integer":
            faults["not a whole number"] = is_read & np.isfinite(values) & (values != np.rint(values))
        narrowed = np.where(np.abs(values) <= LARGEST_NUMBER, values, np.nan).astype(np.float32)
    return CheckedColumn(narrowed, is_missing, np.zeros(len(values), bool), faults)


def _reader(column: Column) -> Callable[[str], float]:
    if column.type == "boolean":
        return truth
    return comma_number if column.decimal_comma else plain_number


def _parse(
    cells: Sequence[object], read: Callable[[str], float], marks: frozenset[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parse the cells: values in float64, and masks of missing and unreadable cells."""
    if read is plain_number and (values := plain_numbers(cells, marks)) is not None:
        return values, np.isnan(values), np.zeros(len(cells), bool)
    found = Distinct(cells)
    parsed = [_parse_cell(cell, read, marks) for cell in found]
    values = found.spread((each[0] for each in parsed), np.float64)
    return values, found.flags(each[1] for each in parsed), found.flags(each[2] for each in parsed)


def _parse_cell(cell: object, read: Callable[[str], float], marks: frozenset[str]) -> tuple[float, bool, bool]:
    text = text_of(cell)
    if text in marks or text == "":
        return math.nan, True, False
    try:
        return read(text), False, False
    except ValueError:
        return math.nan, False, True


def _categories(cells: Sequence[object], column: Column, marks: frozenset[str]) -> CheckedColumn:
    found = Distinct(cells)
    texts = [_category(cell, column, marks) for cell in found]
    is_missing = found.flags(text == MISSING_TEXT for text in texts)
    is_unknown = found.flags(text != MISSING_TEXT and text not in column.categories for text in texts)
    faults = {"not a readable text": found.flags(text != MISSING_TEXT and not is_readable(text) for text in texts)}
    if not column.accept_unknown:
        faults[f"not one of {', '.join(column.categories[:12])}"] = is_unknown
    return CheckedColumn(found.spread(texts, object), is_missing, is_unknown, faults)


def _category(cell: object, column: Column, marks: frozenset[str]) -> str:
    """A listed category wins over a missing mark: the text "None" can be a value."""
    text = text_of(cell)
    return MISSING_TEXT if text in marks and text not in column.categories else text
