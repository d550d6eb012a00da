"""The table check: raw columns in, graph-ready columns of the accepted rows out, rejected rows with their reasons."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.contract.part import LARGEST_NUMBER
from churn.contract.request import MISSING_TEXT
from churn.contract.texts import FALSE_TEXTS, TRUE_TEXTS, is_readable
from churn.errors import TableError

COMMA_NUMBER = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")

Columns = dict[str, np.ndarray]
"""Graph-ready columns, each of shape (rows,): float32 with NaN for missing, or str objects with "" for missing."""

RawColumns = Mapping[str, Sequence[object]]
"""Columns as a file holds them: texts of a CSV, or Python values of Parquet and XLSX."""

SCALARS = frozenset({str, int, float, bool})


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was set aside; `row` counts data rows from 1."""

    row: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """What a table check found.

    Attributes:
        columns: graph-ready columns of the accepted rows.
        customer_ids: str objects of shape (accepted,), or None when the table has no id column.
        accepted: row numbers of the accepted rows, int64 of shape (accepted,).
        rejected: the other rows, in order.
        missing: number of values missing per column, over all rows.
        unknown: number of values outside the known categories per column, over all rows.
    """

    columns: Columns
    customer_ids: np.ndarray | None
    accepted: np.ndarray
    rejected: tuple[RejectedRow, ...]
    missing: dict[str, int]
    unknown: dict[str, int]


@dataclass(frozen=True, slots=True)
class _CheckedColumn:
    """Values of all rows, which of them are missing or unknown, and per fault the rows that have it."""

    values: np.ndarray
    is_missing: np.ndarray
    is_unknown: np.ndarray
    faults: dict[str, np.ndarray]


def check_table(contract: Contract, raw: RawColumns, *, first_row: int = 1) -> CheckedTable:
    """Hold every row against the contract.

    Args:
        contract: what a row has to be.
        raw: columns of equal length; columns that the contract does not name are passed over.
        first_row: number of the first row, for tables that come in chunks.

    Raises:
        TableError: the table lacks a required column, or its columns differ in length.
    """
    rows = _row_count(raw)
    _require_columns(contract, raw)
    marks = frozenset(contract.missing_marks)
    checked = {
        name: _check_column(column, raw[name], marks) if name in raw else _absent(column, rows)
        for name, column in contract.columns.items()
    }
    ids = _check_ids(contract, raw)
    faults = {name: column.faults for name, column in checked.items()}
    if ids is not None and contract.customer_id:
        faults[contract.customer_id] = ids.faults
    is_bad, rejected = _collect(faults, rows, first_row)
    keep = np.flatnonzero(~is_bad)
    return CheckedTable(
        columns={name: column.values[keep] for name, column in checked.items()},
        customer_ids=None if ids is None else ids.values[keep],
        accepted=keep + first_row,
        rejected=rejected,
        missing={name: int(column.is_missing.sum()) for name, column in checked.items()},
        unknown={name: int(column.is_unknown.sum()) for name, column in checked.items()},
    )


def check_target(contract: Contract, raw: RawColumns) -> tuple[np.ndarray, np.ndarray]:
    """Read the target: int8 labels (1 = left) and a mask of rows whose label is readable, both of shape (rows,).

    Raises:
        TableError: the column is missing, or only one of its two values occurs.
    """
    target = contract.target
    if target.column not in raw:
        raise TableError(f"the table has no target column {target.column!r}{_did_you_mean(target.column, raw)}")
    texts = np.array([text_of(cell) for cell in raw[target.column]], dtype=object)
    is_positive = texts == target.positive
    is_missing = np.isin(texts, list(contract.missing_marks)) & ~is_positive
    is_negative = (texts == target.negative) if target.negative is not None else ~is_positive & ~is_missing
    if not is_positive.any() or not is_negative.any():
        seen = ", ".join(sorted({repr(text) for text in texts[:10_000]})[:6])
        raise TableError(
            f"column {target.column!r} has {int(is_positive.sum())} rows of {target.positive!r} and "
            f"{int(is_negative.sum())} of the other value; both are needed. Values seen: {seen}. "
            "Correct target.positive and target.negative in the contract."
        )
    return is_positive.astype(np.int8), is_positive | is_negative


def _row_count(raw: RawColumns) -> int:
    lengths = {len(cells) for cells in raw.values()}
    if len(lengths) > 1:
        raise TableError(f"the columns differ in length: {sorted(lengths)}")
    return lengths.pop() if lengths else 0


def _require_columns(contract: Contract, raw: RawColumns) -> None:
    absent = [name for name in contract.required_columns if name not in raw]
    if absent:
        named = ", ".join(f"{name!r}{_did_you_mean(name, raw)}" for name in absent)
        raise TableError(f"the table has no column {named}; contract {contract.name!r} requires it")


def _did_you_mean(name: str, raw: RawColumns) -> str:
    close = get_close_matches(name, list(raw), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _check_column(column: Column, cells: Sequence[object], marks: frozenset[str]) -> _CheckedColumn:
    checked = _numbers(cells, column, marks) if column.is_numeric else _categories(cells, column, marks)
    if column.required:
        checked.faults["a value is required"] = checked.is_missing
    return checked


def _absent(column: Column, rows: int) -> _CheckedColumn:
    values = np.full(rows, np.nan, np.float32) if column.is_numeric else np.full(rows, MISSING_TEXT, object)
    return _CheckedColumn(values, np.ones(rows, bool), np.zeros(rows, bool), {})


def _numbers(cells: Sequence[object], column: Column, marks: frozenset[str]) -> _CheckedColumn:
    written = list(map(_with_comma, cells)) if column.decimal_comma else cells
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
    return _CheckedColumn(narrowed, is_missing, np.zeros(len(values), bool), faults)


def _reader(column: Column) -> Callable[[str], float]:
    if column.type == "boolean":
        return _boolean
    return comma_number if column.decimal_comma else _number


def _with_comma(cell: object) -> object:
    """A number of a typed file, as its column's texts would write it."""
    return cell if isinstance(cell, str) else text_of(cell).replace(".", ",")


class _Memo(dict[object, Any]):
    """Reads each distinct cell once: a column has few distinct values, and this is the cost of a big table."""

    def __init__(self, read: Callable[[object], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: object) -> Any:
        self[cell] = value = self._read(cell)
        return value


def _parse(
    cells: Sequence[object], read: Callable[[str], float], marks: frozenset[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parse each distinct cell once: values in float64, and masks of missing and unreadable cells."""
    parsed = _Memo(lambda cell: _parse_cell(cell, read, marks))
    table = np.array([parsed[cell] for cell in _distinct(cells)], dtype=np.float64).reshape(len(cells), 3)
    return table[:, 0], table[:, 1] != 0, table[:, 2] != 0


def _parse_cell(cell: object, read: Callable[[str], float], marks: frozenset[str]) -> tuple[float, bool, bool]:
    text = text_of(cell)
    if text in marks or text == "":
        return math.nan, True, False
    try:
        return read(text), False, False
    except ValueError:
        return math.nan, False, True


def _number(text: str) -> float:
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
    return _number(text.strip().replace(".", "").replace(",", "."))


def _boolean(text: str) -> float:
    if text.lower() in TRUE_TEXTS:
        return 1.0
    if text.lower() in FALSE_TEXTS:
        return 0.0
    raise ValueError(text)


def _categories(cells: Sequence[object], column: Column, marks: frozenset[str]) -> _CheckedColumn:
    read = _Memo(lambda cell: _category(cell, column, marks))
    values = np.empty(len(cells), dtype=object)
    values[:] = [read[cell] for cell in _distinct(cells)]
    listed = frozenset(column.categories)
    distinct = set(read.values())
    is_missing = values == MISSING_TEXT
    is_unknown = _in(values, distinct - listed - {MISSING_TEXT})
    faults = {"not a readable text": _in(values, {text for text in distinct - {MISSING_TEXT} if not is_readable(text)})}
    if not column.accept_unknown:
        faults[f"not one of {', '.join(column.categories[:12])}"] = is_unknown
    return _CheckedColumn(values, is_missing, is_unknown, faults)


def _in(values: np.ndarray, wanted: set[str]) -> np.ndarray:
    if not wanted:
        return np.zeros(len(values), bool)
    return np.fromiter((value in wanted for value in values), bool, len(values))


def _category(cell: object, column: Column, marks: frozenset[str]) -> str:
    """A listed category wins over a missing mark: the text "None" can be a value."""
    text = text_of(cell)
    return MISSING_TEXT if text in marks and text not in column.categories else text


def _distinct(cells: Sequence[object]) -> Sequence[object]:
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


def _check_ids(contract: Contract, raw: RawColumns) -> _CheckedColumn | None:
    if contract.customer_id is None or contract.customer_id not in raw:
        return None
    column = Column(type="category", accept_unknown=True)
    checked = _categories(raw[contract.customer_id], column, frozenset(contract.missing_marks))
    checked.faults["a customer id is required"] = checked.is_missing
    return checked


def _collect(
    faults: Mapping[str, Mapping[str, np.ndarray]], rows: int, first_row: int
) -> tuple[np.ndarray, tuple[RejectedRow, ...]]:
    """Gather the reasons of each bad row; a reason names the column and the rule, never the value."""
    reasons: dict[int, list[str]] = {}
    for name, rules in faults.items():
        for rule, is_bad in rules.items():
            for row in np.flatnonzero(is_bad).tolist():
                reasons.setdefault(row, []).append(f"{name}: {rule}")
    is_bad_row = np.zeros(rows, bool)
    is_bad_row[list(reasons)] = True
    rejected = tuple(RejectedRow(row + first_row, tuple(reasons[row])) for row in sorted(reasons))
    return is_bad_row, rejected
