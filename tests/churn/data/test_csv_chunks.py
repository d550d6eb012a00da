import csv
import io
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.data.csv_chunks import CsvChunk, CsvFile, read_csv_chunks
from churn.errors import TableError

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMES = st.lists(st.text("abcdefgäß_", min_size=1, max_size=6), min_size=1, max_size=5, unique=True)


def read(content: bytes | str, **options: object) -> list[CsvChunk]:
    raw = content.encode() if isinstance(content, str) else content
    return list(read_csv_chunks(io.BytesIO(raw), **options))  # type: ignore[arg-type]


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    names = draw(NAMES)
    row = st.lists(CELLS, min_size=len(names), max_size=len(names))
    return names, draw(st.lists(row, min_size=1, max_size=8))


@given(
    table=tables(),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    chunk_rows=st.integers(1, 4),
)
def test_any_table_of_text_reads_back_as_it_was_written(
    table: tuple[list[str], list[list[str]]], delimiter: str, encoding: str, chunk_rows: int
) -> None:
    names, rows = table
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([names, *rows])

    chunks = read(text.getvalue().encode(encoding), chunk_rows=chunk_rows)

    assert [list(row) for chunk in chunks for row in zip(*chunk.columns.values(), strict=True)] == rows
    assert all(list(chunk.columns) == names and not chunk.bad_rows for chunk in chunks)
    assert all(left.first_row + left.rows == right.first_row for left, right in pairwise(chunks))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_usual_way(end: str) -> None:
    (chunk,) = read(end.join(["a,b", "1,2", "3,4", ""]))

    assert chunk.columns == {"a": ["1", "3"], "b": ["2", "4"]}


def test_lines_are_whole_when_a_block_ends_between_their_two_end_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("churn.data.csv_text.BLOCK_BYTES", 3)

    (chunk,) = read("é,b\r\n1,2\r\n3,4\r\n")

    assert chunk.columns == {"é": ["1", "3"], "b": ["2", "4"]}


def test_ragged_rows_are_set_aside_with_number_and_reason_and_the_others_keep_their_numbers() -> None:
    chunks = read("a,b\n1,2\n3\n4,5,6\n7,8\n\n9,10\n11\n")

    assert [(chunk.first_row, chunk.columns["a"], chunk.bad_rows) for chunk in chunks] == [
        (1, ["1"], []),
        (4, ["7", "9"], [(2, "1 cells for 2 columns"), (3, "3 cells for 2 columns")]),
        (6 + 1, [], [(6, "1 cells for 2 columns")]),
    ]


def test_a_row_with_a_stray_quote_is_a_bad_row_and_the_next_one_is_read() -> None:
    chunks = read('a,b\n1,"55" screen"\n2,3\n')

    assert [(chunk.first_row, chunk.columns["a"]) for chunk in chunks] == [(2, ["2"])]
    assert chunks[0].bad_rows == [(1, "a quote inside the row is not closed, or not doubled")]


def test_column_names_are_freed_of_blanks_and_cells_are_not() -> None:
    (chunk,) = read('" Total\n charges ",b\n 1 ,2\n')

    assert chunk.columns == {"Total charges": [" 1 "], "b": ["2"]}


def test_a_delimiter_announced_for_excel_is_used() -> None:
    (chunk,) = read("sep=|\r\na,b;c|d\r\n1|2\r\n")

    assert chunk.columns == {"a,b;c": ["1"], "d": ["2"]}


def test_decimal_commas_do_not_hide_the_semicolon() -> None:
    (chunk,) = read("id;price, net;churn\n1;29,85;ja\n2;30,10;nein\n")

    assert list(chunk.columns) == ["id", "price, net", "churn"]


def test_a_table_of_one_column_may_hold_other_delimiters() -> None:
    (chunk,) = read('comment\nyes, gladly\nno; "never"\nno\n')

    assert chunk.columns == {"comment": ["yes, gladly", 'no; "never"', "no"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\r\n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"a,b\n", "has a header and no rows"),
        (b"a,b\n\n", "has a header and no rows"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG picture"),
        (b"PK\x03\x04\x14\0", "name it .xlsx"),
        (b"\x1f\x8b\x08", "unpack it first"),
        (b"a,b\n1,\0\n", "NUL bytes"),
        ("a,b\n1,2\n".encode("utf-16-le"), "NUL bytes"),
        (b"\x01\x02a,b\n1,2\n", "control characters"),
        (b"12,3.5,No\n13,4.5,Yes\n", "no header"),
        (b"7590-VHVEG,Female,0,Yes,No,1,No,29.85,No\n5575-GNVDE,Male,0,No,No,34,Yes,56.95,No\n", "no header"),
        (b"a,b,a\n1,2,3\n", r"'a' more than once \(columns 1, 3\)"),
        (b"a,,b, \n1,2,3,4\n", "no name for column 2, 4"),
        (b"a:b:c\n1:2:3\n", r"one column, 'a:b:c'.*separated by"),
        (b'"a,b"\n"1,2"\n', "whole lines must not stand in quotes"),
        (b"a,b\n1,M\xfcller\n", r"line 2: byte 0xfc at offset 7 is not utf-8"),
        (b"a,b\n1,2\n3,4\xc3", r"line 3: byte 0xc3 at offset 11 is not utf-8"),
        (b"\xff\xfea\0\n\0\x00\xd8", "line 2: .* is not utf-16"),
        (b'a,"b\n1,2\n', "row that begins on line 1 is never closed"),
        (b'a,b\n"x\ny",2\n3,"4\n5,6\n', "row that begins on line 4 is never closed"),
        (b'a"x,"b"c\n1,2\n', "quote in the header"),
        (b"a,b\n1," + b"x" * 70_000 + b"\n", "line 2 is longer than 65,536 characters"),
        (b"a,b\n1," + b"x" * 600_000, "line 2 is longer than 131,072 characters"),
        (",".join(f"c{i}" for i in range(201)).encode() + b"\n", "201 columns; at most 200"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(content: bytes, message: str) -> None:
    with pytest.raises(TableError, match=message) as refused:
        read(content, name="customers.csv")

    assert str(refused.value).startswith("customers.csv")
    assert "\n" not in str(refused.value)


def test_a_header_that_looks_like_a_customer_is_not_shown() -> None:
    with pytest.raises(TableError, match="no header") as refused:
        read("7590-VHVEG,29.85,29.85\n5575-GNVDE,56.95,1889.5\n")

    assert "7590" not in str(refused.value)


def test_cells_in_another_encoding_are_read_when_guessing_is_asked_for() -> None:
    rows = "id;Straße\n" + "1;Königsallee, Düsseldorf\n" * 20

    file = CsvFile(io.BytesIO(rows.encode("cp1252")), guess_encoding=True)

    assert (file.encoding, file.delimiter, file.names) == ("cp1252", ";", ("id", "Straße"))
    assert next(file.chunks(1)).columns == {"id": ["1"], "Straße": ["Königsallee, Düsseldorf"]}


class Endless(io.RawIOBase):
    """A stream that makes its bytes when they are asked for."""

    def __init__(self, head: bytes, line: bytes, size: int) -> None:
        self._parts = self._endless(head, line, size)

    def _endless(self, head: bytes, line: bytes, size: int) -> Iterator[bytes]:
        yield head
        block = line * (200_000 // len(line))
        for _ in range(size // len(block)):
            yield block

    def read(self, size: int = -1) -> bytes:
        del size
        return next(self._parts, b"")


def peak_of(head: bytes, line: bytes, size: int) -> int:
    """Return the bytes that reading took at the worst, or up to the refusal."""
    tracemalloc.start()
    try:
        for _ in read_csv_chunks(Endless(head, line, size)):  # type: ignore[arg-type]
            pass
    except TableError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


@pytest.mark.parametrize(
    ("head", "line", "size"),
    [
        (b"a,b\n", b"x" * 9_000 + b"," + b"y" * 9_000 + b"\n", 120_000_000),
        (b"a,b\n", b"xy," * 30_000 + b"z\n", 8_000_000),
        (b"a,b\n1,", b"x", 120_000_000),
        (b'a,b\n"', b'\n","', 120_000_000),
    ],
    ids=["wide rows", "ragged rows", "no line break", "one row without end"],
)
def test_memory_stays_flat_whatever_the_stream_holds(head: bytes, line: bytes, size: int) -> None:
    assert peak_of(head, line, size) < 60_000_000
