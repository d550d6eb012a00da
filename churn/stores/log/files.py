"""Files: blocks and their rows as lines of JSON, to be checked where there is no database.

The first line says what the file is. Then every block of the chain follows; rows follow theirs, within the times that
were asked for. The last line says how many lines there are before it, so that a file that was cut short is known.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO

import orjson
from pydantic import TypeAdapter, ValidationError

from churn.errors import UsageError
from churn.scoring.prediction import utc_now
from churn.stores.log.blocks import Block
from churn.stores.log.checking import SeenRow
from churn.stores.log.digests import MOVES, PREDICTIONS
from churn.stores.log.reading import StoredRow, Walk

FORMAT = 1
BLOCK = TypeAdapter(Block)
DIGEST = "digest"


def write_log(walk: Walk, file: IO[bytes], *, since: str, until: str) -> int:
    """Write a walk over the log, and return how many rows were written."""
    lines, rows = 1, 0
    _write(file, {"log": FORMAT, "exported_at": utc_now(), "since": since, "until": until})
    for block, stored in walk:
        _write(file, {"block": asdict(block), "has_rows": stored is not None})
        for row in stored or ():
            _write(file, {"row": {**row.values, DIGEST: row.seen.noted}})
        lines, rows = lines + 1 + len(stored or ()), rows + len(stored or ())
    _write(file, {"lines": lines})
    return rows


def read_log(path: Path) -> Walk:
    """Yield the blocks and rows of a file.

    Raises:
        UsageError: the file can't be read, was not written by `write_log`, or was cut short.
    """
    try:
        with path.open("rb") as file:
            yield from _grouped(_lines(file, path), path)
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error


def _write(file: IO[bytes], line: dict[str, object]) -> None:
    file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def _lines(file: IO[bytes], path: Path) -> Iterator[dict[str, object]]:
    """Yield lines between the first and the last, which are looked at here."""
    number, is_ended = 0, False
    for number, text in enumerate(file, start=1):
        line = _parsed(text, path, number)
        if is_ended or (number == 1) != ("log" in line):
            raise UsageError(f"{path}, line {number}: not what `churn audit export` writes")
        is_ended = "lines" in line
        if is_ended and line["lines"] != number - 1:
            raise UsageError(
                f"{path} had {line['lines']} lines before its last, and has {number - 1}: some are missing"
            )
        if number > 1 and not is_ended:
            yield line
    if not is_ended:
        raise UsageError(f"{path} ends after {number} lines and not with its last one: it was cut short")


def _parsed(text: bytes, path: Path, number: int) -> dict[str, object]:
    try:
        line = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path}, line {number}: no JSON; export the log again") from error
    return line if isinstance(line, dict) else {}


def _grouped(lines: Iterator[dict[str, object]], path: Path) -> Walk:
    block: Block | None = None
    rows: list[StoredRow] | None = None
    for line in lines:
        if "block" in line:
            if block is not None:
                yield block, rows
            block, rows = _block(line["block"], path), [] if line.get("has_rows") else None
        elif block is not None and rows is not None and isinstance(row := line.get("row"), dict):
            rows.append(_row(row, block))
        else:
            raise UsageError(f"{path}: a line is neither a block nor a row of one; export the log again")
    if block is not None:
        yield block, rows


def _block(values: object, path: Path) -> Block:
    try:
        return BLOCK.validate_json(orjson.dumps(values), strict=True)
    except ValidationError as error:
        raise UsageError(f"{path}: a block is not whole; export the log again") from error


def _row(values: dict[str, object], block: Block) -> StoredRow:
    shape = MOVES if block.kind == "move" else PREDICTIONS
    digest, noted = shape.digest([values.get(name) for name in shape.names]), values.get(DIGEST)
    return StoredRow(values, SeenRow(str(values.get(shape.names[0])), digest, None if noted is None else str(noted)))
