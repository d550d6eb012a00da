"""CSV read as a stream of chunks: memory stays flat, nothing but the standard library, cells exactly as written."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice
from typing import BinaryIO

from churn.data.csv_encoding import guess
from churn.data.csv_header import MAX_COLUMNS, announced_delimiter, check_header, detect_delimiter, refuse_one_wide
from churn.data.csv_text import CsvText, lines_of
from churn.errors import TableError

MAX_FIELD = 1 << 16
CHUNK_CHARACTERS = 1 << 23
"""A chunk also ends when it has read this much, so that wide rows don't fill the memory."""

CHUNK_ROWS = 2_000
"""Measured on Telco: 520,000 rows/s; chunks of 10,000 no longer fit the caches and read 350,000."""

BATCH = 100
"""Rows that are turned into columns at once, while they are still in the caches."""

BATCH_CHARACTERS = 1 << 19
"""A batch also ends when it has read this much: ragged rows may be very wide."""

TAKE = 10
"""Rows that are read at once between two looks at how much text they took."""

BadRow = tuple[int, str]
Records = list[list[str]]
_BROKEN = ["a quote inside the row is not closed, or not doubled"]


@dataclass(frozen=True, slots=True)
class CsvChunk:
    """Rows that follow each other without a gap.

    Attributes:
        columns: cells per column, as written.
        first_row: number of the chunk's first row; row 1 is the first after the header, blank lines don't count.
        bad_rows: the rows just before these that can't be read, each with its reason. A bad row ends a chunk, so bad
            rows at the end of the table, or very many, come in a chunk without rows, whose columns are empty lists.
    """

    columns: dict[str, list[str]]
    first_row: int
    bad_rows: list[BadRow]

    @property
    def rows(self) -> int:
        """Number of rows in `columns`."""
        return len(next(iter(self.columns.values())))


class CsvFile:
    """An opened CSV whose header is read and checked; `chunks()` reads the rest, once.

    Attributes:
        encoding: how its bytes are read as text.
        delimiter: what separates its cells.
        names: its columns.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        guess_encoding: bool = False,
        max_columns: int = MAX_COLUMNS,
        max_field: int = MAX_FIELD,
        name: str = "the table",
    ) -> None:
        csv.field_size_limit(max_field)  # the csv module has one limit per process
        self._name = name
        self._text = CsvText(stream, encoding=guess(stream, name) if guess_encoding else None, name=name)
        self.encoding = self._text.encoding
        blocks = self._text.blocks()
        sample = next(blocks, "")
        lines = lines_of(chain([sample], blocks))
        announced = announced_delimiter(sample.partition("\n")[0])
        if announced:
            next(lines)
        self.delimiter = announced or detect_delimiter(sample)
        self._skipped_lines = int(announced is not None)
        self._reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        self.names = self._read_header(max_columns)

    def chunks(self, chunk_rows: int) -> Iterator[CsvChunk]:
        """Yield the rows, at most `chunk_rows` at a time.

        Raises:
            TableError: there are no rows, a quote is never closed, or the bytes are not text.
        """
        draft = _Draft(self.names, first_row=1, starts_at=self._text.taken)
        while records := self._batch(min(BATCH, chunk_rows - draft.rows)):
            for run, reasons in _runs(records, len(self.names)):
                if reasons and draft.rows:
                    yield draft.chunk()
                    draft = draft.next(self._text.taken)
                draft.add(run, reasons)
            is_long = max(draft.rows, len(draft.bad_rows)) >= chunk_rows
            if is_long or self._text.taken - draft.starts_at > CHUNK_CHARACTERS:
                yield draft.chunk()
                draft = draft.next(self._text.taken)
        if draft.rows or draft.bad_rows:
            yield draft.chunk()
        elif draft.first_row == 1:
            raise TableError(f"{self._name} has a header and no rows: give a table with customers")

    def _read_header(self, max_columns: int) -> tuple[str, ...]:
        records: Records = []
        while not any(records):
            records.clear()
            if not self._take(records, 1):
                raise TableError(f"{self._name} is empty: give a table with a header line and customers")
        if records[0] is _BROKEN:
            raise TableError(f"{self._name}: a quote in the header is not closed, or not doubled")
        names = check_header(records[0], name=self._name, max_columns=max_columns)
        refuse_one_wide(names, records[0][0], self._name)
        return names

    def _batch(self, rows: int) -> Records:
        records: Records = []
        enough = self._text.taken + BATCH_CHARACTERS
        while len(records) < rows and self._text.taken < enough:
            if not self._take(records, min(TAKE, rows - len(records))):
                break
        return records

    def _take(self, records: Records, rows: int) -> bool:
        """Append up to `rows` records; False at the end of the text."""
        self._text.set_mark()
        before, lines_before = len(records), self._reader.line_num
        try:
            records.extend(islice(self._reader, rows))  # what came before an error stays in the list
        except csv.Error as error:
            line = lines_before + sum(map(_lines_in, records[before:])) + self._skipped_lines + 1
            self._refuse_endless(str(error), line)
            records.append(_BROKEN)
        return len(records) > before

    def _refuse_endless(self, message: str, line: int) -> None:
        if "unexpected end" in message:
            raise TableError(f"{self._name}: a quote in the row that begins on line {line} is never closed")
        if "field larger" in message:
            raise TableError(
                f"{self._name}: a cell in the row that begins on line {line} is longer than "
                f"{csv.field_size_limit():,} characters: look for a quote that is never closed"
            )


class _Draft:
    """A chunk that still grows."""

    def __init__(self, names: tuple[str, ...], *, first_row: int, starts_at: int) -> None:
        self.first_row = first_row
        self.starts_at = starts_at
        self.bad_rows: list[BadRow] = []
        self._names = names
        self._cells: list[list[str]] = [[] for _ in names]

    @property
    def rows(self) -> int:
        return len(self._cells[0])

    def add(self, run: Records, reasons: list[str]) -> None:
        for known, cells in zip(self._cells, zip(*run, strict=True), strict=False):
            known.extend(cells)
        self.bad_rows += enumerate(reasons, self.first_row)
        self.first_row += len(reasons)

    def chunk(self) -> CsvChunk:
        return CsvChunk(dict(zip(self._names, self._cells, strict=True)), self.first_row, self.bad_rows)

    def next(self, starts_at: int) -> "_Draft":
        return _Draft(self._names, first_row=self.first_row + self.rows, starts_at=starts_at)


def read_csv_chunks(
    stream: BinaryIO,
    *,
    chunk_rows: int = CHUNK_ROWS,
    guess_encoding: bool = False,
    max_columns: int = MAX_COLUMNS,
    max_field: int = MAX_FIELD,
    name: str = "the table",
) -> Iterator[CsvChunk]:
    """Read a CSV in chunks: strict UTF-8, or UTF-16 with its mark, unless `guess_encoding` (a seekable stream).

    Args:
        stream: bytes; read forward only, a block at a time.
        chunk_rows: the most rows of a chunk; a chunk may be shorter.
        guess_encoding: read the whole stream once before, to find out which encoding it has.
        max_columns: more columns are refused.
        max_field: more characters in one cell are refused.
        name: what errors call the table.

    Raises:
        TableError: the table can't be used; see `CsvFile` and `check_header`. Ragged rows are no error but `bad_rows`.
    """
    file = CsvFile(stream, guess_encoding=guess_encoding, max_columns=max_columns, max_field=max_field, name=name)
    return file.chunks(chunk_rows)


def _runs(records: Records, width: int) -> Iterator[tuple[Records, list[str]]]:
    """Yield good rows and the reasons of the bad rows that follow them, alternating; blank lines are no rows."""
    if set(map(len, records)) == {width} and _BROKEN not in records:
        yield records, []
        return
    rows = [record for record in records if record]
    for is_good, run in groupby(rows, key=lambda record: not _fault(record, width)):
        group = list(run)
        yield (group, []) if is_good else ([], [_fault(record, width) for record in group])


def _fault(record: list[str], width: int) -> str:
    if record is _BROKEN:
        return _BROKEN[0]
    return "" if len(record) == width else f"{len(record)} cells for {width} columns"


def _lines_in(record: list[str]) -> int:
    return 1 + sum(cell.count("\n") + cell.replace("\r\n", "").count("\r") for cell in record)
