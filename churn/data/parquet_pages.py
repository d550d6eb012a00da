"""The pages of a Parquet file, measured before any is unpacked: a few bytes may claim to hold gigabytes.

A column's pages follow each other, each behind a header in Thrift's compact protocol (PageHeader of the format's
specification: field 2 is the size when unpacked, field 3 the size in the file). Arrow allocates what a header claims.
"""

from typing import Any, BinaryIO

from churn.errors import TableError

LARGEST_PAGE = 1 << 24
MOST_PAGES = 200_000
HEADER_BYTES = 1 << 16
"""A header has a few dozen bytes; with statistics of long texts, more."""

UNPACKED, PACKED = 2, 3
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_VARINTS = frozenset({4, 5, 6})


def refuse_large_pages(stream: BinaryIO, metadata: Any, columns: frozenset[str], *, name: str) -> None:
    """Refuse a file with a page that would need much memory.

    Args:
        stream: the file; left anywhere.
        metadata: its pyarrow.parquet.FileMetaData.
        columns: whose pages are read.
        name: what errors call the table.

    Raises:
        TableError: a page is too large, there are too many, or one does not begin where it should.
    """
    pages = 0
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(place)
            if chunk.path_in_schema in columns:
                pages += _measure(stream, chunk, MOST_PAGES - pages, name)


def _measure(stream: BinaryIO, chunk: Any, most: int, name: str) -> int:
    """Return the number of pages of one column chunk."""
    starts = (chunk.dictionary_page_offset, chunk.data_page_offset)
    offset = min(start for start in starts if start)
    end, pages = offset + chunk.total_compressed_size, 0
    while offset < end:
        pages += 1
        stream.seek(offset)
        sizes, length = _sizes(stream.read(HEADER_BYTES), name)
        if pages > most or min(sizes.values()) < 0 or sizes[UNPACKED] > LARGEST_PAGE:
            raise TableError(
                f"{name}: column {chunk.path_in_schema!r} has a page of more than {LARGEST_PAGE >> 20} MB, or very "
                "many pages: write the file with pages of 1 MB"
            )
        offset += length + sizes[PACKED]
    return pages


def _sizes(header: bytes, name: str) -> tuple[dict[int, int], int]:
    """Return the integer fields of a page's header, and its length."""
    try:
        reader = _Compact(header)
        fields = reader.struct()
        return {UNPACKED: fields[UNPACKED], PACKED: fields[PACKED]}, reader.place
    except (IndexError, KeyError, RecursionError, ValueError) as error:
        raise TableError(f"{name} is a damaged Parquet file: a page's header can't be read") from error


class _Compact:
    """Reads Thrift's compact protocol as far as a page's header needs it."""

    def __init__(self, text: bytes) -> None:
        self.place = 0
        self._text = text

    def struct(self) -> dict[int, int]:
        """Read a struct; returns its integer fields."""
        fields: dict[int, int] = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._signed()
            value = self._value(head & 15)
            if value is not None:
                fields[field] = value
        return fields

    def _value(self, kind: int) -> int | None:
        if kind in _VARINTS:
            return self._signed()
        if kind == _STRUCT:
            self.struct()
        elif kind in (_LIST, _SET):
            self._skip_list()
        elif kind not in (_TRUE, _FALSE):
            self._skip({_BYTE: 1, _DOUBLE: 8}[kind] if kind != _BINARY else self._unsigned())
        return None

    def _skip_list(self) -> None:
        head = self._byte()
        size = head >> 4 if head >> 4 < 15 else self._unsigned()
        for _ in range(size):
            if head & 15 in (_TRUE, _FALSE):
                self._skip(1)
            else:
                self._value(head & 15)

    def _skip(self, size: int) -> None:
        self.place += size
        if self.place > len(self._text):
            raise IndexError

    def _byte(self) -> int:
        byte = self._text[self.place]
        self.place += 1
        return byte

    def _unsigned(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
