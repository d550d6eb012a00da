"""Cells: columns of values as the texts that stand in JSON and CSV, a column at a time."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
import orjson

from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.contract.table import Columns

Cells = Sequence[bytes] | bytes
"""A text per row, or the one of all rows."""

LARGEST_WHOLE = 2.0**62
UNSAFE = re.compile(r'[",\r\n]')
FORMULA = re.compile(r"\s*[=+\-@\t\r\0]")
"""Begins a text that a spreadsheet may run (OWASP ASVS 1.2.10), also behind blanks."""

SPECIAL = re.compile(r'[",\r]|^[^\S\n]*[=+\-@\t\0]', re.MULTILINE)
"""In lines of texts: one that can't stand in a CSV as it is."""


class Texts(dict[object, bytes]):
    """Renders each distinct value once."""

    def __init__(self, render: Callable[[Any], bytes]) -> None:
        super().__init__()
        self._render = render

    def __missing__(self, value: object) -> bytes:
        self[value] = text = self._render(value)
        return text


def json_cells(values: Sequence[object] | np.ndarray) -> list[bytes]:
    """Render numbers, texts, truths and None as JSON."""
    cells = _numbers(values)
    if len(cells) == len(values):
        return cells
    return list(map(Texts(orjson.dumps).__getitem__, values))  # a text holds a comma, or there are no values


def csv_cells(values: Sequence[object]) -> list[bytes]:
    """Render values as cells of a CSV: None as an empty one, texts so that no spreadsheet runs them."""
    kinds = set(map(type, values))
    if str not in kinds:
        return _numbers(values, missing=b"")
    if kinds == {str} and len(set(values)) > len(values) // 4:
        lines = "\n".join(values)  # type: ignore[arg-type]
        if lines.count("\n") == len(values) - 1 and not SPECIAL.search(lines):
            return lines.encode().split(b"\n")
    return list(map(Texts(csv_text).__getitem__, values))


def _numbers(values: Sequence[object] | np.ndarray, *, missing: bytes = b"null") -> list[bytes]:
    try:
        text = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # integers beyond 64 bits
        return [missing if value is None else str(value).encode() for value in values]
    return text[1:-1].replace(b"null", missing).split(b",") if len(values) else []


def csv_text(value: object) -> bytes:
    """Render one value as a cell; a text that begins like a formula gets an apostrophe before it."""
    if not isinstance(value, str):
        return b"" if value is None else str(value).encode()
    text = f"'{value}" if FORMULA.match(value) else value
    return ('"' + text.replace('"', '""') + '"' if UNSAFE.search(text) else text).encode()


def json_inputs(contract: Contract, columns: Columns) -> dict[str, list[bytes]]:
    """Render graph-ready columns as the JSON values that a client sent: 79.4, 12, "One year", null."""
    return {name: _inputs(contract.columns[name], each, orjson.dumps, b"null") for name, each in columns.items()}


def csv_inputs(contract: Contract, columns: Columns) -> dict[str, list[bytes]]:
    """Render graph-ready columns as cells of a CSV."""
    return {name: _inputs(contract.columns[name], each, csv_text, b"") for name, each in columns.items()}


def _inputs(column: Column, values: np.ndarray, render: Callable[[Any], bytes], missing: bytes) -> list[bytes]:
    if column.type == "category":
        texts = Texts(render)
        texts[""] = missing
        return list(map(texts.__getitem__, values.tolist()))
    # float32 renders as its shortest text: 79.4, not 79.40000152…
    return _numbers(values if column.type == "number" else _whole(values), missing=missing)


def _whole(values: np.ndarray) -> list[int | None] | np.ndarray:
    if np.all(np.abs(values) < LARGEST_WHOLE):  # NaN is not
        return values.astype(np.int64)
    return [None if value != value else int(value) for value in values.tolist()]  # noqa: PLR0124  NaN


def members(cells: Mapping[str, Cells]) -> list[Cells]:
    """Return the parts of `"name":value,…`, an object's members without braces."""
    parts: list[Cells] = []
    for place, (name, each) in enumerate(cells.items()):
        parts += [(b"," if place else b"") + orjson.dumps(name) + b":", each]
    return parts


def joined(parts: Iterable[Cells]) -> list[bytes]:
    """Join texts row by row; at least one part has a text per row."""
    columns: list[Iterable[bytes]] = []
    constant = b""
    for part in parts:
        if isinstance(part, bytes):
            constant += part
        else:
            columns += [repeat(constant), part]
            constant = b""
    return list(map(b"".join, zip(*columns, repeat(constant), strict=False)))


def with_commas(columns: Iterable[Cells]) -> list[bytes]:
    """Join cells of a row by commas, with a line's end."""
    parts = list(chain.from_iterable((b",", each) for each in columns))
    return joined([*parts[1:], b"\r\n"])
