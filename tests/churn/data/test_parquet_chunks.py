import datetime
import io
import struct
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn.data.parquet_chunks import read_parquet_chunks
from churn.errors import TableError

TABLE = pa.table(
    {
        "text": ["x", "y", None] * 1_500,
        "whole": pa.array([1, None, 3] * 1_500),
        "number": pa.array([1.5, 2.0, None] * 1_500),
        "decimal": pa.array([Decimal("1.5"), None, Decimal(2)] * 1_500),
        "flag": [True, False, None] * 1_500,
        "day": [datetime.date(2026, 1, 2), None, None] * 1_500,
        "coded": pa.array(["u", None, "w"] * 1_500).dictionary_encode(),
        "nested": [[1]] * 4_500,
    }
)
WANTED = frozenset(TABLE.column_names) - {"nested"}


def written(table: pa.Table, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file


def read(file: io.BytesIO, wanted: frozenset[str] = WANTED) -> list[Any]:
    return list(read_parquet_chunks(file, wanted=wanted))


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_table_is_read_in_chunks_as_it_was_written(compression: str, version: str) -> None:
    chunks = read(written(TABLE, compression=compression, data_page_version=version, data_page_size=500))

    assert [(chunk.first_row, chunk.rows) for chunk in chunks] == [(1, 2_000), (2_001, 2_000), (4_001, 500)]
    assert {name: cells[:3] for name, cells in chunks[0].columns.items()} == {
        "text": ["x", "y", None],
        "whole": [1, None, 3],
        "number": [1.5, 2.0, None],
        "decimal": [1.5, None, 2.0],
        "flag": [True, False, None],
        "day": [datetime.date(2026, 1, 2), None, None],
        "coded": ["u", None, "w"],
    }


def test_a_wanted_column_that_is_nested_is_refused() -> None:
    with pytest.raises(TableError, match="'nested' has the type list"):
        read(written(TABLE), frozenset({"nested"}))


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(TableError, match="no rows"):
        read(written(TABLE.slice(0, 0)))


def test_a_page_that_would_fill_the_memory_is_refused_before_it_is_unpacked() -> None:
    bomb = written(pa.table({"text": ["x" * (40 << 20)]}), compression="zstd")

    assert len(bomb.getvalue()) < 10_000
    with pytest.raises(TableError, match="a page of more than 16 MB"):
        read(bomb)
    assert read(written(pa.table({"text": ["x" * (40 << 20)], "flag": [True]})), frozenset({"flag"}))[0].rows == 1


def test_a_long_text_in_many_rows_is_held_once() -> None:
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * (1 << 20)]))

    before = pa.total_allocated_bytes()
    for chunk in read_parquet_chunks(written(pa.table({"text": long})), wanted=WANTED):
        assert len({id(cell) for cell in chunk.columns["text"]}) == 1
        assert pa.total_allocated_bytes() - before < 64 << 20


@pytest.mark.parametrize("kept", [0, 3, 100, 1_000, -10])
def test_a_truncated_file_is_refused(kept: int) -> None:
    with pytest.raises(TableError, match="not a Parquet file, or is damaged"):
        read(io.BytesIO(written(TABLE).getvalue()[:kept]))


def test_a_damaged_file_is_refused_or_read_and_nothing_else() -> None:
    text = written(TABLE, compression="none").getvalue()
    refused = 0
    for place in range(4, len(text), max(1, len(text) // 150)):
        damaged = bytearray(text)
        damaged[place] ^= 0xFF
        try:
            read(io.BytesIO(bytes(damaged)))
        except TableError:
            refused += 1
    assert refused > 10


def test_two_equal_names_and_very_many_columns_are_refused() -> None:
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    many = pa.table({f"c{number}": [1] for number in range(1_000)})

    for table, reason in [(twice, "more than once"), (many, "at most 200")]:
        with pytest.raises(TableError, match=reason):
            read(written(table), frozenset({"a", "c1"}))


def test_a_footer_that_claims_to_be_huge_is_refused() -> None:
    text = bytearray(written(TABLE).getvalue())
    text[-8:-4] = struct.pack("<I", 2**31 - 1)

    with pytest.raises(TableError, match="damaged"):
        read(io.BytesIO(bytes(text)))
