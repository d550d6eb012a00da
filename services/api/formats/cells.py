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

Cells = Iterable[bytes]
"""A text per row; endless when it is the same in all."""

RENDER_NUMPY = orjson.OPT_SERIALIZE_NUMPY
UNSAFE = re.compile(r'[",\r\n]')
FORMULA = re.compile(r"\s*[=+\-@\t\r\0]")
"""Begins a text that a spreadsheet may run (OWASP ASVS 1.2.10), also behind blanks."""


class Texts(dict[object, bytes]):
    """Renders each distinct value once."""

    def __init__(self, render: Callable[[Any], bytes]) -> None:
        super().__init__()
        self._render = render

    def __missing__(self, value: object) -> bytes:
        self[value] = text = self._render(value)
        return text


def json_cells(values: Sequence[object]) -> list[bytes]:
    """Render values as JSON."""
    if set(map(type, values)) <= {int, float, type(None)}:
        return _numbers(values, b"null")
    return list(map(Texts(orjson.dumps).__getitem__, values))


def csv_cells(values: Sequence[object]) -> list[bytes]:
    """Render values as cells of a CSV: None as an empty one, texts so that no spreadsheet runs them."""
    if set(map(type, values)) <= {int, float, type(None)}:
        return _numbers(values, b"")
    return list(map(Texts(csv_text).__getitem__, values))


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
    if column.type == "number":
        return _numbers(values, missing)  # float32 renders as its shortest text: 79.4, not 79.40000152…
    is_missing = np.isnan(values)
    if not is_missing.any():
        return _numbers(_whole(values), missing)
    cells = np.full(len(values), missing, object)
    cells[~is_missing] = _numbers(_whole(values[~is_missing]), missing) or None
    return list(cells)


def _whole(values: np.ndarray) -> list[int]:
    """Whole numbers up to 1e30 don't fit into int64."""
    return values.astype(np.int64).tolist() if np.all(np.abs(values) < 2**62) else list(map(int, values.tolist()))


def _numbers(values: Sequence[object] | np.ndarray, missing: bytes) -> list[bytes]:
    if not len(values):
        return []
    try:
        text = orjson.dumps(values, option=RENDER_NUMPY)
    except TypeError:  # integers beyond 64 bits
        return [str(value).encode() for value in values]
    return text[1:-1].replace(b"null", missing).split(b",")


def members(cells: Mapping[str, Cells]) -> list[bytes]:
    """Return per row `"name":value,…` without braces."""
    parts: list[Cells] = []
    for place, (name, each) in enumerate(cells.items()):
        parts += [repeat((b"," if place else b"") + orjson.dumps(name) + b":"), each]
    return joined(parts)


def joined(parts: Sequence[Cells]) -> list[bytes]:
    """Join texts row by row; at least one part ends."""
    return list(map(b"".join, zip(*parts, strict=False)))


def with_commas(columns: Iterable[Cells]) -> list[bytes]:
    """Join cells of a row by commas, with a line's end."""
    parts = list(chain.from_iterable((repeat(b","), each) for each in columns))
    return joined([*parts[1:], repeat(b"\r\n")])
