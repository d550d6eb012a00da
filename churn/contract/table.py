"""The table check: raw columns in, graph-ready columns of the accepted rows out, rejected rows with their reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches

import numpy as np

from churn.contract.cells import readable_texts, text_of
from churn.contract.checked_column import CheckedColumn, absent_column, check_column
from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.errors import TableError

Columns = dict[str, np.ndarray]
"""Graph-ready columns, each of shape (rows,): float32 with NaN for missing, or str objects with "" for missing."""

RawColumns = Mapping[str, Sequence[object]]
"""Columns as a file holds them: texts of a CSV, or Python values of Parquet and XLSX."""


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

    def at(self, numbers: np.ndarray) -> "CheckedTable":
        """Return the table with the numbers that its rows really have; it was checked with `first_row=0`."""
        return replace(self, accepted=numbers[self.accepted])

    def taken(self, places: np.ndarray) -> "CheckedTable":
        """Return some of the accepted rows, by place or by mask; what was counted over all rows stays."""
        return replace(
            self,
            columns={name: values[places] for name, values in self.columns.items()},
            customer_ids=None if self.customer_ids is None else self.customer_ids[places],
            accepted=self.accepted[places],
        )


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
        name: check_column(column, raw[name], marks) if name in raw else absent_column(column, rows)
        for name, column in contract.columns.items()
    }
    ids = _check_ids(contract, raw)
    faults = {name: column.faults for name, column in checked.items()}
    if ids is not None and contract.customer_id:
        faults[contract.customer_id] = ids.faults
    is_bad, rejected = _collect(faults, rows, first_row)
    keep = np.flatnonzero(~is_bad)
    taken: slice | np.ndarray = keep if rejected else slice(None)
    return CheckedTable(
        columns={name: column.values[taken] for name, column in checked.items()},
        customer_ids=None if ids is None else ids.values[taken],
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


def check_validation(contract: Contract, raw: RawColumns) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Read the columns of `validation`: groups as text, "" for none; times as datetime64[s], NaT where unreadable.

    Raises:
        TableError: a column is missing.
    """
    return _groups(contract, raw), _times(contract, raw)


def _groups(contract: Contract, raw: RawColumns) -> np.ndarray | None:
    if contract.validation.group is None:
        return None
    texts = np.array([text_of(cell) for cell in _named_column(contract.validation.group, raw)], dtype=object)
    return np.where(np.isin(texts, list(contract.missing_marks)), "", texts)


def _times(contract: Contract, raw: RawColumns) -> np.ndarray | None:
    if contract.validation.time is None:
        return None
    cells = _named_column(contract.validation.time, raw)
    return np.array([_moment(text_of(cell)) for cell in cells], dtype="datetime64[s]")


def _named_column(name: str, raw: RawColumns) -> Sequence[object]:
    if name not in raw:
        raise TableError(f"the table has no column {name!r}{_did_you_mean(name, raw)}, which `validation` names")
    return raw[name]


def _moment(text: str) -> np.datetime64:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return np.datetime64("NaT")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment)


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


def _check_ids(contract: Contract, raw: RawColumns) -> CheckedColumn | None:
    if contract.customer_id is None or contract.customer_id not in raw:
        return None
    marks = frozenset(contract.missing_marks)
    cells = raw[contract.customer_id]
    if (texts := readable_texts(cells)) is not None and marks.isdisjoint(texts):  # an id is not one of few values
        nowhere = np.zeros(len(texts), bool)
        return CheckedColumn(np.array(texts, object), nowhere, nowhere, {})
    checked = check_column(Column(type="category", accept_unknown=True), cells, marks)
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
