"""The first line of a CSV: which delimiter it uses, and the column names that it gives."""

import csv
import io
import re
from collections.abc import Sequence
from itertools import islice

from churn.errors import TableError

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_RECORDS = 50
MAX_COLUMNS = 200
_NUMBER = re.compile(r"[-+]?[0-9]+([.,][0-9]+)*")
_FOREIGN_DELIMITER = re.compile(r"[,;\t|:^~§¬]|\S {2,}\S")


def detect_delimiter(sample: str) -> str:
    """Return the delimiter that cuts the most columns, most evenly, out of the first lines."""
    return max(DELIMITERS, key=lambda delimiter: _fit(sample, delimiter))


def announced_delimiter(first_line: str) -> str | None:
    """Return the delimiter of Excel's line `sep=;`, or None when the line is something else."""
    text = first_line.strip("\r\n\"'")
    return text[4:] if text[:4].lower() == "sep=" and text[4:] in DELIMITERS else None


def _fit(sample: str, delimiter: str) -> tuple[float, float]:
    """Rate the columns; in a table of one column, whether no row is cut by this delimiter."""
    widths = _widths(sample, delimiter)
    if not widths:
        return 0.0, 0.0
    agreeing = sum(width == widths[0] for width in widths) / len(widths)
    return agreeing * (widths[0] - 1), agreeing


def _widths(sample: str, delimiter: str) -> list[int]:
    """Return the numbers of cells in the first records that aren't blank."""
    widths: list[int] = []
    try:
        records = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        widths.extend(len(record) for record in islice(records, SAMPLE_RECORDS) if record)
    except csv.Error:  # a quote that swallows the sample: what came before it still counts
        return widths
    return widths


def check_header(cells: Sequence[object], *, name: str, max_columns: int = MAX_COLUMNS) -> tuple[str, ...]:
    """Return the column names, with runs of blanks made one.

    Raises:
        TableError: there are too many, blank, repeated or unreadable names, or the line looks like data.
    """
    names = tuple(" ".join(str(cell).split()) if cell is not None else "" for cell in cells)
    if len(names) > max_columns:
        raise TableError(f"{name} has {len(names)} columns; at most {max_columns} are read: remove some")
    _refuse_data(names, name)
    _refuse_blank(names, name)
    _refuse_repeated(names, name)
    return names


def refuse_one_wide(names: tuple[str, ...], first_line: str, name: str) -> None:
    """Refuse a table of one column whose header contains what looks like another delimiter."""
    if len(names) == 1 and _FOREIGN_DELIMITER.search(first_line.strip()):
        raise TableError(
            f"{name} has one column, {names[0][:60]!r}: the cells must be separated by a comma, semicolon, tab or |, "
            "and whole lines must not stand in quotes"
        )


def _refuse_data(names: tuple[str, ...], name: str) -> None:
    """A line of a customer's values is not shown in the message."""
    numbers = sum(_NUMBER.fullmatch(text) is not None for text in names)
    if 2 * numbers >= len(names) or (numbers and len(set(names)) < len(names)):
        raise TableError(f"{name} has no header: its first line looks like data. Put the column names into line 1")


def _refuse_blank(names: tuple[str, ...], name: str) -> None:
    blank = [position for position, text in enumerate(names, 1) if not text]
    if blank:
        raise TableError(f"{name}: the header has no name for column {_listed(blank)}: name it, or remove the column")
    if any(ord(letter) < 32 or ord(letter) == 127 for text in names for letter in text):
        raise TableError(f"{name} is not a text file: its header holds control characters")


def _refuse_repeated(names: tuple[str, ...], name: str) -> None:
    for text in names:
        places = [position for position, other in enumerate(names, 1) if other == text]
        if len(places) > 1:
            raise TableError(
                f"{name}: the header names {text!r} more than once (columns {_listed(places)}): rename one"
            )


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    return shown if len(numbers) <= 5 else f"{shown}, …"
