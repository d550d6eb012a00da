"""The text of a CSV stream: decoded, checked and cut into lines, a block at a time."""

import codecs
import io
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from churn.errors import TableError

BLOCK_BYTES = 1 << 17
MAX_LINE = 1 << 17
"""Characters of one line; more means that the file has no line breaks."""

MAX_UNREAD = 1 << 21
"""Characters that a few rows may take together; more means that a quote swallows the file."""

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MAGIC = (
    (b"PK\x03\x04", "a ZIP file, perhaps an Excel workbook: name it .xlsx, or unpack it"),
    (b"PAR1", "a Parquet file: name it .parquet"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save it as .xlsx or CSV"),
    (b"\x89PNG", "a PNG picture: give a CSV file"),
    (b"%PDF", "a PDF document: give a CSV file"),
)


class CsvText:
    """The decoded text of a stream, kept a block at a time.

    Attributes:
        encoding: the codec that the text is read with.
        name: what errors call the table.
        taken: characters handed out so far.
    """

    def __init__(self, stream: BinaryIO, *, encoding: str | None, name: str) -> None:
        self.name = name
        self.taken = 0
        self._mark = 0
        self._bytes_read = 0
        self._line_breaks = 0
        self._stream = stream
        self._head = stream.read(BLOCK_BYTES)
        _refuse_other_formats(self._head, name)
        self.encoding = encoding or encoding_by_mark(self._head) or "utf-8"

    def set_mark(self) -> None:
        """Forget how much was handed out: rows up to here are complete."""
        self._mark = self.taken

    def blocks(self) -> Iterator[str]:
        """Yield the text in blocks of whole lines.

        Raises:
            TableError: the bytes are not text in this encoding, or have no line breaks.
        """
        rest = ""
        for text in self._decoded():
            rest += text
            end = _end_of_lines(rest)
            if end:
                yield self._hand_out(rest[:end])
                rest = rest[end:]
            if len(rest) > MAX_LINE:
                raise TableError(
                    f"{self.name}: line {self._line_breaks + 1} is longer than {MAX_LINE:,} characters: not a table"
                )
        if rest:
            yield self._hand_out(rest)

    def _hand_out(self, block: str) -> str:
        if self.taken - self._mark > MAX_UNREAD:
            raise TableError(
                f"{self.name}: the rows before line {self._line_breaks + 1} are longer than {MAX_UNREAD:,} "
                "characters: look for a quote that is never closed"
            )
        self.taken += len(block)
        self._line_breaks += block.count("\n")
        return block

    def _decoded(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self.encoding)("strict")
        for block in chain([self._head], iter(self._read, b"")):
            self._bytes_read += len(block)
            yield self._decode(decoder, block, final=False)
        yield self._decode(decoder, b"", final=True)

    def _read(self) -> bytes:
        return self._stream.read(BLOCK_BYTES)

    def _decode(self, decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool) -> str:
        try:
            text = decoder.decode(block, final)
        except UnicodeDecodeError as error:
            raise self._undecodable(error) from error
        if "\0" in text:
            raise TableError(
                f"{self.name} is not a text file: it holds NUL bytes. Give a CSV file (UTF-8, or UTF-16 with its mark)"
            )
        return text

    def _undecodable(self, error: UnicodeDecodeError) -> TableError:
        offset = self._bytes_read - len(error.object) + error.start
        before = error.object[: error.start].decode(error.encoding, "replace")
        line = self._line_breaks + before.count("\n") + 1
        return TableError(
            f"{self.name}, line {line}: byte 0x{error.object[error.start]:02x} at offset {offset} is not "
            f"{error.encoding}: save the file as UTF-8"
        )


def lines_of(blocks: Iterator[str]) -> Iterator[str]:
    """Yield lines with their ends, as the csv module wants them; a line feed, a carriage return or both end a line."""
    return chain.from_iterable(io.StringIO(block, newline="") for block in blocks)


def encoding_by_mark(head: bytes) -> str | None:
    """Return the encoding that a byte order mark announces; None without a mark."""
    return next((encoding for mark, encoding in BOMS if head.startswith(mark)), None)


def _refuse_other_formats(head: bytes, name: str) -> None:
    for magic, advice in MAGIC:
        if head.startswith(magic):
            raise TableError(f"{name} is not a CSV file but {advice}")


def _end_of_lines(text: str) -> int:
    """Return where the last whole line ends; a final carriage return may have a line feed to come, so it ends none."""
    return text.rfind("\n") + 1 or text.rfind("\r", 0, -1) + 1
