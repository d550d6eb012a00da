"""Reading: a table in any format, as checked chunks of about equal size."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from churn.contract.contract import Contract
from churn.contract.records import RecordCheck
from churn.contract.request import CUSTOMER_ID_FIELD, RequestForm
from churn.contract.table import CheckedTable, RejectedRow, check_table
from churn.data.csv_chunks import CHUNK_ROWS, CsvChunk, read_csv_chunks
from churn.data.json_records import RecordChunk, read_json_records, read_ndjson
from churn.data.parquet_chunks import read_parquet_chunks
from services.api.formats.media import Format
from services.api.problems import field_faults

NAME = "the table"
"""What errors call it: the client's name for a file is no text of ours."""


@dataclass(frozen=True, slots=True)
class CheckedChunk:
    """Rows of a table, held against the contract.

    Attributes:
        table: the accepted rows; its `rejected` are without those that can't be read.
        rejected: all rows that were set aside, in order.
        rows: how many there are of both.
    """

    table: CheckedTable
    rejected: Sequence[RejectedRow]
    rows: int


def checked_chunks(stream: BinaryIO, kind: Format, contract: Contract, form: RequestForm) -> Iterator[CheckedChunk]:
    """Read a table and check it.

    Args:
        stream: the table's bytes.
        kind: how to read them.
        contract: what a row has to be.
        form: what a JSON record has to be.

    Raises:
        TableError: the table can't be used; at the first chunk or, when what is wrong comes later, at a later one.
    """
    if kind == "csv":
        yield from map(_check_csv(contract), _merged(read_csv_chunks(stream, name=NAME)))
    elif kind == "parquet":
        wanted = frozenset([*contract.columns, contract.customer_id or CUSTOMER_ID_FIELD])
        for chunk in read_parquet_chunks(stream, wanted=wanted, name=NAME):
            table = check_table(contract, chunk.columns, first_row=chunk.first_row)
            yield CheckedChunk(table, table.rejected, chunk.rows)
    else:
        read: Callable[..., Iterator[RecordChunk]] = read_json_records if kind == "json" else read_ndjson
        check = RecordCheck(contract, form, field_faults)
        for records in read(stream, name=NAME):
            table = check.check(records.records, first_row=records.first_row)
            yield CheckedChunk(table, table.rejected, len(records.records))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of a CSV with their numbers, which need not follow each other."""

    columns: Mapping[str, Sequence[str]]
    numbers: np.ndarray
    bad_rows: Sequence[tuple[int, str]]


def _merged(chunks: Iterator[CsvChunk]) -> Iterator[_Rows]:
    """Join chunks that bad rows have cut short: what is done for a chunk costs as much for one row as for hundreds."""
    waiting: list[CsvChunk] = []
    for chunk in chunks:
        waiting.append(chunk)
        if sum(each.rows + len(each.bad_rows) for each in waiting) >= CHUNK_ROWS // 2:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _joined(chunks: Sequence[CsvChunk]) -> _Rows:
    numbers = [np.arange(each.first_row, each.first_row + each.rows) for each in chunks]
    columns = chunks[0].columns
    if len(chunks) > 1:
        columns = {name: [cell for each in chunks for cell in each.columns[name]] for name in columns}
    return _Rows(columns, np.concatenate(numbers), [bad for each in chunks for bad in each.bad_rows])


def _check_csv(contract: Contract) -> Callable[[_Rows], CheckedChunk]:
    def check(rows: _Rows) -> CheckedChunk:
        table = check_table(contract, rows.columns, first_row=0)
        numbers = rows.numbers
        rejected = [RejectedRow(int(numbers[each.row]), each.reasons) for each in table.rejected]
        rejected += [RejectedRow(row, (reason,)) for row, reason in rows.bad_rows]
        rejected.sort(key=lambda each: each.row)
        return CheckedChunk(table.at(numbers), rejected, len(numbers) + len(rows.bad_rows))

    return check
