"""JSON records read as a stream: a list of objects, or one object a line; memory stays flat."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

import orjson

from churn.errors import TableError

BLOCK_BYTES = 1 << 20
LONGEST_RECORD = 1 << 22
"""Bytes in which a record has to end."""

CHUNK_ROWS = 2_000
MOST_TRIES = 8
"""Places tried to cut a list, before it is taken for something else than flat records."""

BOM = b"\xef\xbb\xbf"
OPENING = re.compile(rb'\s*(\[|\{\s*"customers"\s*:\s*\[)')
BORDER = re.compile(rb"\}\s*,\s*(?=\{)")


@dataclass(frozen=True, slots=True)
class RecordChunk:
    """Records that follow each other.

    Attributes:
        records: as JSON values; None for a line that is no JSON.
        first_row: number of the first one, from 1.
    """

    records: list[object]
    first_row: int


def read_json_records(stream: BinaryIO, *, name: str = "the table") -> Iterator[RecordChunk]:
    """Read `[{…}, …]` or `{"customers": [{…}, …]}`.

    Args:
        stream: bytes in UTF-8; read forward only, a block at a time.
        name: what errors call the table.

    Raises:
        TableError: it is not JSON, no list of records, or empty.
    """
    return _chunks(_pieces_of_list(stream, name), name)


def read_ndjson(stream: BinaryIO, *, name: str = "the table") -> Iterator[RecordChunk]:
    """Read one JSON object a line; blank lines are no rows.

    Raises:
        TableError: a line is too long, or there are no rows.
    """
    return _chunks(map(_read_lines, _pieces_of_lines(stream, name)), name)


def _chunks(pieces: Iterator[list[object]], name: str) -> Iterator[RecordChunk]:
    row = 1
    for piece in pieces:
        records = iter(piece)
        while some := list(islice(records, CHUNK_ROWS)):
            yield RecordChunk(some, row)
            row += len(some)
    if row == 1:
        raise TableError(f"{name} has no records: give a table with customers")


def _pieces_of_list(stream: BinaryIO, name: str) -> Iterator[list[object]]:
    text = stream.read(BLOCK_BYTES).removeprefix(BOM)
    opening = OPENING.match(text)
    if opening is None:
        raise TableError(f'{name} is no list of JSON records: give [{{…}}, …] or {{"customers": [{{…}}, …]}}')
    text = text[opening.end() :]
    while block := stream.read(BLOCK_BYTES):
        text += block
        records, text = _cut(text, name)
        yield records
    yield _last(text, name, is_wrapped=opening[1] != b"[")


def _cut(text: bytes, name: str) -> tuple[list[object], bytes]:
    """Return the records of a text that goes on, and its rest.

    A list that is cut inside a text or inside a nested value is not JSON up to there: a piece that can be read was cut
    between two records.
    """
    borders = [(found.start() + 1, found.end()) for found in BORDER.finditer(text)]
    for end, begin in borders[: -MOST_TRIES - 1 : -1]:
        with suppress(orjson.JSONDecodeError):
            return orjson.loads(b"[%b]" % text[:end]), text[begin:]
    if len(text) > LONGEST_RECORD:
        raise TableError(f"{name} is not JSON, or its records are not flat: send one record a line, as NDJSON")
    return [], text


def _last(text: bytes, name: str, *, is_wrapped: bool) -> list[object]:
    try:
        if not is_wrapped:
            records: list[object] = orjson.loads(b"[" + text)
            return records
        found = orjson.loads(b'{"customers":[' + text)
    except orjson.JSONDecodeError as error:
        raise TableError(f"{name} is not JSON: {error.msg.partition(':')[0]}") from error
    if list(found) != ["customers"] or not isinstance(found["customers"], list):
        raise TableError(f'{name} holds more than "customers": give {{"customers": [{{…}}, …]}}')
    return list(found["customers"])


def _pieces_of_lines(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield whole lines, about a block of them."""
    rest = stream.read(len(BOM)).removeprefix(BOM)
    while block := stream.read(BLOCK_BYTES):
        rest += block
        end = rest.rfind(b"\n") + 1
        if not end and len(rest) > LONGEST_RECORD:
            raise TableError(f"{name} has a line of more than {LONGEST_RECORD:,} bytes: send one record a line")
        yield rest[:end]
        rest = rest[end:]
    yield rest


def _read_lines(piece: bytes) -> list[object]:
    lines = [line for line in piece.split(b"\n") if line and not line.isspace()]
    try:
        return list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        return list(map(_read_line, lines))


def _read_line(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
