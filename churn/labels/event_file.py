"""An event log's file as columns of texts: any separator, any encoding; lines of another width are set aside."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from churn.contract.proxy import EventLog
from churn.data.csv_chunks import BadRow
from churn.data.csv_encoding import guess
from churn.data.csv_header import check_header
from churn.data.csv_text import CsvText
from churn.errors import TableError

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "whitespace": "\t"}
TEXT = pa.dictionary(pa.int32(), pa.string())
"""Each distinct text is kept, and later read, once: ten million events have few customers, days and prices."""

ENDINGS = {".parquet": "parquet", ".pq": "parquet"}
CSV_ENDINGS = (".csv", ".tsv", ".txt", ".log", ".dat")


def read_columns(path: Path, log: EventLog) -> tuple[dict[str, pa.DictionaryArray], list[BadRow]]:
    """Read the columns that the log names: one dictionary of texts each, of shape (events,), and the bad lines.

    Rows are numbered from 1, after the header; blank lines don't count.

    Raises:
        TableError: the file can't be read, lacks a column, or holds no event.
    """
    if path.suffix.lower() not in {*ENDINGS, *CSV_ENDINGS}:
        raise TableError(f"{path} is none of {', '.join([*CSV_ENDINGS, *ENDINGS])}: save the event log in one of these")
    wanted = [log.customer, log.time, *log.values]
    try:
        is_parquet = path.suffix.lower() in ENDINGS
        table, bad_rows = _read_parquet(path, wanted) if is_parquet else _read_text(path, log, wanted)
    except OSError as error:
        raise TableError(f"{path} can't be read: {error.strerror or error}") from error
    if not table.num_rows:
        raise TableError(f"{path} holds no event that can be read{_first(bad_rows)}")
    return {name: table.column(name).unify_dictionaries().combine_chunks() for name in wanted}, bad_rows


def _first(bad_rows: list[BadRow]) -> str:
    return f"; row {bad_rows[0][0]}: {bad_rows[0][1]}" if bad_rows else ""


def _read_parquet(path: Path, wanted: list[str]) -> tuple[pa.Table, list[BadRow]]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise TableError(f"{path} is not a Parquet file: {error}") from error
    with file:
        _require(path, file.schema_arrow.names, wanted)
        table = file.read(columns=wanted)
    return pa.table({name: _texts(table.column(name)) for name in wanted}), []


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A null is an empty text, as in a CSV."""
    import pyarrow.compute  # noqa: PLC0415  its functions are made at import, and mypy sees none

    texts = pyarrow.compute.fill_null(column.cast(pa.string()), "")
    return texts.dictionary_encode()


def _read_text(path: Path, log: EventLog, wanted: list[str]) -> tuple[pa.Table, list[BadRow]]:
    lines = _Lines(path, log)
    names = log.names or check_header(lines.header, name=str(path))
    _require(path, names, wanted)
    if not lines.stream.size():
        raise TableError(f"{path} holds no event: it has a header and nothing else")
    bad_rows: list[BadRow] = []

    def set_aside(row: pc.InvalidRow) -> str:
        bad_rows.append((row.number, f"has {row.actual_columns} cells, and {row.expected_columns} are wanted"))
        return "skip"

    try:
        table = pc.read_csv(
            lines.stream,
            pc.ReadOptions(use_threads=False, column_names=list(names)),  # with threads, no row knows its number
            pc.ParseOptions(
                delimiter=SEPARATORS[log.separator],
                quote_char=False if log.separator == "whitespace" else '"',
                invalid_row_handler=set_aside,
            ),
            pc.ConvertOptions(include_columns=wanted, column_types=dict.fromkeys(wanted, TEXT)),
        )
    except pa.ArrowInvalid as error:
        raise TableError(f"{path} can't be read as an event log: {error}") from error
    return table, bad_rows


def _require(path: Path, names: tuple[str, ...] | list[str], wanted: list[str]) -> None:
    if absent := [name for name in wanted if name not in names]:
        raise TableError(
            f"{path} has no column {', '.join(map(repr, absent))}; it has {', '.join(map(repr, names))}. Correct "
            "target.proxy.events in the contract (`separator`, `names` when the file has no header)"
        )


class _Lines:
    """The file's lines in UTF-8, with one separator between cells.

    Attributes:
        header: the cells of the first line; none when the contract names the columns.
        stream: the other lines.
    """

    def __init__(self, path: Path, log: EventLog) -> None:
        self.header: list[str] = []
        sink = pa.BufferOutputStream()
        with path.open("rb") as file:
            text = CsvText(file, encoding=guess(file, str(path)), name=str(path))
            for block in text.blocks():
                text.set_mark()  # an event is one line: whatever was handed out is complete
                sink.write(self._without_header(_tidy(block, log), log).encode())
        self.stream = pa.BufferReader(sink.getvalue())

    def _without_header(self, block: str, log: EventLog) -> str:
        if log.names or self.header:
            return block
        first, _, rest = block.lstrip("\n").partition("\n")
        self.header = [cell.strip('"') for cell in first.split(SEPARATORS[log.separator])]
        return rest


def _tidy(block: str, log: EventLog) -> str:
    """One kind of line end; runs of blanks become one tab, and those at a line's ends go."""
    text = block.replace("\r\n", "\n").replace("\r", "\n")
    if log.separator != "whitespace":
        return text
    return "".join(_tabbed(text))


def _tabbed(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if cells := line.split():
            yield "\t".join(cells) + "\n"
