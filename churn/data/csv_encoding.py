"""Which encoding a CSV has, when it is not known: UTF-8 if it can be, else the likeliest of the others."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from churn.data.csv_text import BLOCK_BYTES, encoding_by_mark
from churn.errors import TableError

SAMPLE_BYTES = 1 << 16
CANDIDATES = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    *("cp932", "gb18030", "big5", "cp949"),
]
"""What exports are written in; charset-normalizer's other eighty are likelier to be a wrong guess."""


def guess(stream: BinaryIO, name: str) -> str | None:
    """Read the stream and return its encoding; the stream is put back to where it was.

    Returns:
        None when it is UTF-8 or has a byte order mark: the strict reading is right.

    Raises:
        TableError: no encoding fits.
    """
    start = stream.tell()
    try:
        head = stream.read(4)
        stream.seek(start)
        if encoding_by_mark(head) or _is_utf8(stream):
            return None
        stream.seek(start)
        return _likeliest(_telling_lines(stream), name)
    finally:
        stream.seek(start)


def _is_utf8(stream: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for block in _blocks(stream):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _telling_lines(stream: BinaryIO) -> bytes:
    """Return lines that hold more than ASCII: the others say nothing about the encoding."""
    sample = b""
    for block in _blocks(stream):
        sample += b"\n".join(line for line in block.splitlines() if not line.isascii())
        if len(sample) >= SAMPLE_BYTES:
            break
    return sample[:SAMPLE_BYTES]


def _likeliest(sample: bytes, name: str) -> str:
    """Return the best match; among equally good ones the first of CANDIDATES, the commonest."""
    from charset_normalizer import from_bytes  # noqa: PLC0415  reading UTF-8 must not wait for it

    matches = from_bytes(sample, cp_isolation=CANDIDATES)
    best = matches.best()
    if best is None:
        raise TableError(f"{name} is not UTF-8, and its encoding is not known: save the file as UTF-8")
    equals = [match for match in matches if (match.chaos, match.coherence) == (best.chaos, best.coherence)]
    fitting = {encoding for match in equals for encoding in match.could_be_from_charset}
    return next((encoding for encoding in CANDIDATES if encoding in fitting), best.encoding)


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: stream.read(BLOCK_BYTES), b"")
