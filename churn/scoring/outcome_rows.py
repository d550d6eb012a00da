"""Outcomes as they stand in files and bodies: each row an outcome, or set aside with its reasons."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

import orjson
from pydantic import ValidationError

from churn.data.csv_chunks import read_csv_chunks
from churn.data.json_records import read_ndjson
from churn.data.parquet_chunks import read_parquet_chunks
from churn.errors import TableError
from churn.scoring.outcome import Outcome, OutcomeIn

REQUIRED = ("customer_id", "churned", "observed_at")
COLUMNS = (*REQUIRED, "prediction_id")

Faults = Callable[[ValidationError], list[str]]
"""Says what is wrong with a row, in words."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that is not even a record."""

    reason: str


Rows = Iterator[tuple[int, object]]
"""Numbers of rows, from 1, and what stands there: a mapping, anything else that JSON holds, or `Unreadable`."""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was set aside.

    Attributes:
        number: counted from 1.
        row: what stood there.
    """

    number: int
    reasons: list[str]
    row: object


def sort_out(rows: Rows, model: str, source: str, faults: Faults) -> Iterator[Outcome | RejectedRow]:
    """Yield each row as an outcome, or with the reasons why it is none.

    Args:
        rows: as they were read.
        model: name of the model whose predictions they answer.
        source: who brings them.
        faults: says what is wrong.
    """
    for number, row in rows:
        if isinstance(row, Unreadable):
            yield RejectedRow(number, [row.reason], row)
            continue
        try:
            yield OutcomeIn.model_validate(row).outcome(model, source)
        except ValidationError as error:
            yield RejectedRow(number, faults(error), row)


@contextmanager
def outcome_file(path: Path) -> Iterator[Rows]:
    """Open a file of outcomes; how it is read is told by the name's ending.

    Raises:
        TableError: it can't be read, or is no table of outcomes. Rows that do not hold are no error.
    """
    ending = path.suffix.lower()
    if ending not in READERS:
        raise TableError(f"{path} is none of {', '.join(READERS)}: save the outcomes in one of these formats")
    try:
        with path.open("rb") as stream:
            yield READERS[ending](stream, str(path))
    except OSError as error:
        raise TableError(f"{path} can't be read: {error.strerror or error}") from error


def csv_rows(stream: BinaryIO, name: str = "the CSV") -> Rows:
    """Read a CSV with a header; an empty cell of an optional column is no value.

    Raises:
        TableError: a column is missing or too many, or it is no table.
    """
    for chunk in read_csv_chunks(stream, name=name):
        _require_columns(chunk.columns, name)
        yield from ((row, Unreadable(reason)) for row, reason in chunk.bad_rows)
        for number, cells in enumerate(zip(*chunk.columns.values(), strict=True), chunk.first_row):
            named = dict(zip(chunk.columns, (cell.strip() for cell in cells), strict=True))
            yield number, {column: cell for column, cell in named.items() if cell or column in REQUIRED}


def json_rows(found: object) -> Rows:
    """Return the rows of a JSON value: one outcome, a list, or a list under "outcomes".

    Raises:
        TableError: it is something else.
    """
    if isinstance(found, dict) and set(found) == {"outcomes"}:
        found = found["outcomes"]
    elif isinstance(found, dict) and "outcomes" not in found:
        found = [found]
    if not isinstance(found, list):
        raise TableError('send one outcome, or {"outcomes": [...]}')
    return iter(enumerate(found, 1))


def _json_file(stream: BinaryIO, name: str) -> Rows:
    try:
        found = orjson.loads(stream.read())
    except orjson.JSONDecodeError as error:
        raise TableError(f"{name} is not JSON: {error.msg}") from error
    return json_rows(found)


def _ndjson_file(stream: BinaryIO, name: str) -> Rows:
    for chunk in read_ndjson(stream, name=name):
        for number, record in enumerate(chunk.records, chunk.first_row):
            yield number, Unreadable("the line is not JSON") if record is None else record


def _parquet_file(stream: BinaryIO, name: str) -> Rows:
    for chunk in read_parquet_chunks(stream, wanted=frozenset(COLUMNS), name=name):
        _require_columns(chunk.columns, name)
        for number, cells in enumerate(zip(*chunk.columns.values(), strict=True), chunk.first_row):
            named = dict(zip(chunk.columns, map(_as_sent, cells), strict=True))
            yield number, {column: cell for column, cell in named.items() if cell is not None or column in REQUIRED}


def _as_sent(cell: object) -> object:
    """Days and moments become the text that JSON would have; a number in the place of an id becomes its digits."""
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return str(cell) if isinstance(cell, int) and not isinstance(cell, bool) else cell


def _require_columns(columns: Mapping[str, object], name: str) -> None:
    if missing := [column for column in REQUIRED if column not in columns]:
        raise TableError(
            f"{name} has no column {missing[0]!r}: its columns are {', '.join(COLUMNS)}, the last optional"
        )
    if unknown := [column for column in columns if column not in COLUMNS]:
        raise TableError(f"{name} has {len(unknown)} columns too many: its columns are {', '.join(COLUMNS)}")


READERS: dict[str, Callable[[BinaryIO, str], Rows]] = {
    ".csv": csv_rows,
    ".json": _json_file,
    **dict.fromkeys((".ndjson", ".jsonl"), _ndjson_file),
    **dict.fromkeys((".parquet", ".pq"), _parquet_file),
}
