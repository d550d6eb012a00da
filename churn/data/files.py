"""A customer table from a file: CSV, Parquet or XLSX, as columns of cells."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

from churn.data.csv_chunks import CHUNK_ROWS, BadRow, CsvFile
from churn.data.csv_header import check_header
from churn.errors import TableError

READ_WITH = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".xlsx", ".xlsm"), "xlsx"),
}


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table as it stands in its file.

    Attributes:
        columns: cells per column. CSV cells are text exactly as written; the others are Python scalars, None for null.
        format: csv, parquet or xlsx.
        encoding: of a CSV, else None.
        delimiter: of a CSV, else None.
        row_numbers: number of each row of `columns`; row 1 is the first after the header.
        bad_rows: rows that could not be read, each with its reason; they are not in `columns`.
    """

    columns: dict[str, list[object]]
    format: str
    row_numbers: Sequence[int]
    encoding: str | None = None
    delimiter: str | None = None
    bad_rows: list[BadRow] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Number of rows in `columns`."""
        return len(self.row_numbers)


def read_table(path: Path) -> TableFile:
    """Read a whole table; how is told by the name's ending.

    Raises:
        TableError: the file can't be read, or can't be used as a table.
    """
    ending = path.suffix.lower()
    if ending not in READ_WITH:
        raise TableError(f"{path} is none of {', '.join(READ_WITH)}: save the table in one of these formats")
    reader = {"csv": _read_csv, "parquet": _read_parquet, "xlsx": _read_workbook}[READ_WITH[ending]]
    try:
        return reader(path)
    except OSError as error:
        raise TableError(f"{path} can't be read: {error.strerror or error}") from error


def _read_csv(path: Path) -> TableFile:
    with path.open("rb") as stream:
        file = CsvFile(stream, guess_encoding=True, name=str(path))
        columns: dict[str, list[object]] = {name: [] for name in file.names}
        numbers: list[int] = []
        bad_rows: list[BadRow] = []
        for chunk in file.chunks(CHUNK_ROWS):
            for name, cells in chunk.columns.items():
                columns[name] += cells
            numbers += range(chunk.first_row, chunk.first_row + chunk.rows)
            bad_rows += chunk.bad_rows
    if not numbers:
        row, reason = bad_rows[0]
        raise TableError(f"{path}: none of its {len(bad_rows)} rows can be read; row {row}: {reason}")
    return TableFile(columns, "csv", numbers, encoding=file.encoding, delimiter=file.delimiter, bad_rows=bad_rows)


def _read_parquet(path: Path) -> TableFile:
    import pyarrow  # noqa: PLC0415  the command line must not wait for it
    import pyarrow.parquet  # noqa: PLC0415

    try:
        table = pyarrow.parquet.read_table(path)
    except pyarrow.ArrowInvalid as error:
        raise TableError(f"{path} is not a Parquet file: {error}") from error
    names = check_header(table.column_names, name=str(path))
    columns = {name: _plain(column.to_pylist()) for name, column in zip(names, table.columns, strict=True)}
    return _typed(path, columns, "parquet", table.num_rows)


def _read_workbook(path: Path) -> TableFile:
    """Read the first sheet; blank lines at its end, and columns without name and cells, are no part of the table."""
    records = [record for record in _sheet(path) if any(cell is not None for cell in record)]
    if not records:
        raise TableError(f"{path} is empty: give a table with a header line and customers")
    columns = list(zip_longest(*records))
    while columns and all(cell is None for cell in columns[-1]):
        columns.pop()
    names = check_header([column[0] for column in columns], name=str(path))
    cells = {name: _plain(column[1:]) for name, column in zip(names, columns, strict=True)}
    return _typed(path, cells, "xlsx", len(records) - 1)


def _sheet(path: Path) -> Iterator[tuple[Any, ...]]:
    from zipfile import BadZipFile  # noqa: PLC0415

    import openpyxl  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    with warnings.catch_warnings(), path.open("rb") as stream:
        warnings.simplefilter("ignore")  # styles and extensions that a table of values does not need
        try:
            sheet = openpyxl.load_workbook(stream, read_only=True, data_only=True).worksheets[0]
        except (BadZipFile, InvalidFileException, KeyError, IndexError, ValueError) as error:
            raise TableError(f"{path} is not an Excel workbook: {error}") from error
        sheet.reset_dimensions()  # some programs write a wrong one
        yield from sheet.iter_rows(values_only=True)


def _typed(path: Path, columns: dict[str, list[object]], name: str, rows: int) -> TableFile:
    if not rows:
        raise TableError(f"{path} has a header and no rows: give a table with customers")
    return TableFile(columns, name, range(1, rows + 1))


def _plain(cells: Sequence[object]) -> list[object]:
    """Return the cells with decimals as floats."""
    return [float(cell) if isinstance(cell, Decimal) else cell for cell in cells]
