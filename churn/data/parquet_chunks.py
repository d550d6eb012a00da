"""Parquet read as a stream of chunks: a page at a time, only the columns that are wanted, texts as dictionaries."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO

from churn.data.csv_header import check_header
from churn.data.parquet_pages import refuse_large_pages
from churn.errors import TableError

CHUNK_ROWS = 2_000
BUFFER_BYTES = 1 << 16
LARGEST_FOOTER_TEXT = 1 << 20
MOST_FOOTER_PARTS = 1 << 20


@dataclass(frozen=True, slots=True)
class ParquetChunk:
    """Rows that follow each other.

    Attributes:
        columns: cells per wanted column as Python scalars, None for null.
        first_row: number of the first row, from 1.
        rows: number of rows.
    """

    columns: dict[str, Sequence[object]]
    first_row: int
    rows: int


def read_parquet_chunks(stream: BinaryIO, *, wanted: frozenset[str], name: str = "the table") -> Iterator[ParquetChunk]:
    """Read a Parquet file.

    Args:
        stream: a file that can be sought in.
        wanted: the columns to read; others are passed over.
        name: what errors call the table.

    Raises:
        TableError: it is no Parquet file, or damaged; a wanted column is nested or binary; there are no rows.
    """
    with _translated(name):
        file = _open(stream)
        _check(stream, file, wanted, name)
        file = _open(stream, texts=[field.name for field in file.schema_arrow if field.name in wanted])
        present = [each for each in file.schema_arrow.names if each in wanted]
        row = 1
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=present, use_threads=False):
            cells: dict[str, Sequence[object]] = {
                each: _cells(column) for each, column in zip(present, batch.columns, strict=True)
            }
            yield ParquetChunk(cells, row, batch.num_rows)
            row += batch.num_rows


@contextmanager
def _translated(name: str) -> Iterator[None]:
    import pyarrow  # noqa: PLC0415  who reads CSV does not need it

    # Names that are not UTF-8 and dates after the year 9999 are errors of Python's own.
    try:
        yield
    except (pyarrow.ArrowException, OSError, ValueError, LookupError, OverflowError, MemoryError) as error:
        raise TableError(f"{name} is not a Parquet file, or is damaged") from error


def _open(stream: BinaryIO, *, texts: Sequence[str] = ()) -> Any:
    from pyarrow.parquet import ParquetFile  # noqa: PLC0415

    stream.seek(0)
    return ParquetFile(
        stream,
        read_dictionary=list(texts),  # a text of a megabyte in each row is then held once
        buffer_size=BUFFER_BYTES,
        pre_buffer=False,
        thrift_string_size_limit=LARGEST_FOOTER_TEXT,
        thrift_container_size_limit=MOST_FOOTER_PARTS,
    )


def _check(stream: BinaryIO, file: Any, wanted: frozenset[str], name: str) -> None:
    check_header(file.schema_arrow.names, name=name)
    if not file.metadata.num_rows:
        raise TableError(f"{name} has columns and no rows: give a table with customers")
    for field in file.schema_arrow:
        if field.name in wanted and not _is_scalar(field.type):
            raise TableError(f"{name}: column {field.name!r} has the type {field.type}: give texts or numbers")
    refuse_large_pages(stream, file.metadata, wanted, name=name)


def _is_scalar(kind: Any) -> bool:
    from pyarrow import types  # noqa: PLC0415

    if types.is_dictionary(kind):
        return _is_scalar(kind.value_type)
    tests = (
        types.is_string, types.is_large_string, types.is_integer, types.is_floating, types.is_boolean,
        types.is_decimal, types.is_temporal, types.is_null,
    )  # fmt: skip
    return any(test(kind) for test in tests)


def _cells(column: Any) -> list[object]:
    from pyarrow import types  # noqa: PLC0415

    if types.is_dictionary(column.type):
        texts = [*column.dictionary.to_pylist(), None]  # no index is no value
        return [texts[-1 if place is None else place] for place in column.indices.to_pylist()]
    cells: list[object] = column.to_pylist()
    return [float(cell) if isinstance(cell, Decimal) else cell for cell in cells]
