"""The input of a scoring job as chunks: CSV and Parquet stream with flat memory, a workbook is read whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from churn.data.csv_chunks import read_csv_chunks
from churn.data.files import read_table
from churn.errors import TableError

CHUNK_ROWS = 4_000
PARQUET = (".parquet", ".pq")
WORKBOOK = (".xlsx", ".xlsm")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that follow each other, and the unreadable rows just before them; rows count from 1."""

    columns: Mapping[str, Sequence[object]]
    first_row: int
    rows: int
    bad_rows: Sequence[tuple[int, str]] = ()

    @property
    def last_row(self) -> int:
        """Number of the last row that this chunk deals with."""
        return max([self.first_row + self.rows - 1, *(row for row, _ in self.bad_rows)])


def read_chunks(source: Path) -> Iterator[Chunk]:
    """Read a table in chunks; the same file gives the same chunks again.

    Raises:
        TableError: the table can't be used.
    """
    ending = source.suffix.lower()
    if ending in PARQUET:
        yield from _read_parquet(source)
    elif ending in WORKBOOK:
        table = read_table(source)
        yield Chunk(table.columns, 1, table.rows)
    else:
        with source.open("rb") as stream:
            for chunk in read_csv_chunks(stream, chunk_rows=CHUNK_ROWS, guess_encoding=True, name=str(source)):
                yield Chunk(chunk.columns, chunk.first_row, chunk.rows, chunk.bad_rows)


def _read_parquet(source: Path) -> Iterator[Chunk]:
    import pyarrow  # noqa: PLC0415  a CSV job does not need it
    import pyarrow.parquet  # noqa: PLC0415

    try:
        file = pyarrow.parquet.ParquetFile(source)
    except pyarrow.ArrowInvalid as error:
        raise TableError(f"{source} is not a Parquet file: {error}") from error
    first_row = 1
    with file:
        for batch in file.iter_batches(batch_size=CHUNK_ROWS):
            yield Chunk(batch.to_pydict(), first_row, batch.num_rows)
            first_row += batch.num_rows
