import io
import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.data import json_records
from churn.data.json_records import read_json_records, read_ndjson
from churn.errors import TableError

texts = st.text(max_size=6) | st.sampled_from(["},{", '"},{"', "}]", "\\", '\\"},  {'])
values = st.none() | st.booleans() | st.integers(-9, 9) | texts
records = st.dictionaries(texts, values, max_size=3)


def records_of(text: bytes) -> list[object]:
    return [each for chunk in read_json_records(io.BytesIO(text)) for each in chunk.records]


def lines_of(text: bytes) -> list[object]:
    return [each for chunk in read_ndjson(io.BytesIO(text)) for each in chunk.records]


@pytest.fixture
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "BLOCK_BYTES", 24)


@pytest.mark.usefixtures("_small_blocks")
@given(
    sent=st.lists(records, min_size=1, max_size=12),
    separators=st.sampled_from([(",", ":"), (" ,\n ", ": ")]),
    is_wrapped=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_a_list_read_in_pieces_is_the_list_read_whole(
    sent: list[dict[str, object]], separators: tuple[str, str], is_wrapped: bool
) -> None:
    text = json.dumps({"customers": sent} if is_wrapped else sent, separators=separators).encode()

    assert records_of(b" \n" + text + b"\n") == sent


@pytest.mark.usefixtures("_small_blocks")
def test_values_nested_in_records_are_no_border() -> None:
    sent = [{"a": [{"b": 1}, {"c": 2}]}, {"a": 1}, {"a": {"x": {"y": 1}, "z": 2}}] * 3

    assert records_of(orjson.dumps(sent)) == sent


@pytest.mark.usefixtures("_small_blocks")
@given(sent=st.lists(records, min_size=1, max_size=12))
@settings(deadline=None)
def test_lines_read_in_pieces_are_the_lines_read_one_by_one(sent: list[dict[str, object]]) -> None:
    assert lines_of(b"\n\n".join(map(orjson.dumps, sent))) == sent


def test_a_line_that_is_no_json_is_none_and_keeps_its_place() -> None:
    assert lines_of(b'\xef\xbb\xbf{"a":1}\nnonsense\n{"a":\xff}\n{"b":1}{"c":2}\n{"a":2}') == [
        {"a": 1}, None, None, None, {"a": 2},
    ]  # fmt: skip


def test_rows_are_numbered_across_chunks() -> None:
    chunks = list(read_ndjson(io.BytesIO(b"{}\n" * 4_500)))

    assert [(chunk.first_row, len(chunk.records)) for chunk in chunks] == [(1, 2_000), (2_001, 2_000), (4_001, 500)]


@pytest.mark.parametrize(
    "text",
    [
        b"", b"   ", b"[", b"[{]", b'{"a":1}', b'{"customers":1}', b'{"customers":[{}],"more":1}', b"[{}] [", b"null",
        b'[{"a":"\xff"}]', b"[]", b'{"customers":[]}', b"[" * 100_000, b'{"customers":[{}]', b'[{"a":1e400}]',
    ],
)  # fmt: skip
def test_what_is_no_list_of_records_is_refused(text: bytes) -> None:
    with pytest.raises(TableError, match="the table"):
        records_of(text)


@pytest.mark.parametrize("text", [b"", b"\n \n"])
def test_lines_without_a_record_are_refused(text: bytes) -> None:
    with pytest.raises(TableError, match="no records"):
        lines_of(text)


def test_a_record_that_never_ends_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "LONGEST_RECORD", 1 << 20)
    with pytest.raises(TableError, match="not flat"):
        records_of(b'[{"a":"' + b"x" * (1 << 22))
    with pytest.raises(TableError, match="line of more than"):
        lines_of(b'{"a":"' + b"x" * (1 << 22))
