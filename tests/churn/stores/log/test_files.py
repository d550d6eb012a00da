from pathlib import Path

import orjson
import pytest
from sqlalchemy import Engine

from churn.errors import UsageError
from churn.stores.log.checking import Checked, Checker
from churn.stores.log.files import read_log, write_log
from churn.stores.log.reading import one_moment, walk


def written(engine: Engine, path: Path, *, since: str = "", until: str = "~") -> int:
    with one_moment(engine) as connection, path.open("wb") as file:
        return write_log(walk(connection, since=since, until=until), file, since=since, until=until)


def checked_file(path: Path) -> Checked:
    checker = Checker()
    for block, rows in read_log(path):
        checker.look_at(block, None if rows is None else [row.seen for row in rows])
    return checker.finish()


@pytest.fixture
def exported(filled: Engine, tmp_path: Path) -> Path:
    assert written(filled, tmp_path / "log.jsonl") == 14
    return tmp_path / "log.jsonl"


def changed(path: Path, old: str, new: str) -> Path:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return path


def test_an_exported_log_is_checked_without_the_database(exported: Path) -> None:
    found = checked_file(exported)

    assert (found.findings, found.blocks, found.predictions, found.moves) == ([], 6, 12, 2)


def test_a_row_that_was_edited_in_the_file_is_found(exported: Path) -> None:
    path = changed(exported, '"segment":"loyal"', '"segment":"royal"')

    assert checked_file(path).findings == ["prediction p-4 was changed (block 2)"]


def test_a_block_that_was_edited_in_the_file_is_found(exported: Path) -> None:
    assert checked_file(changed(exported, '"kind":"move","rows":1', '"kind":"move","rows":2')).findings == [
        "block 3 was changed"
    ]


def test_of_other_times_there_are_blocks_without_rows(filled: Engine, tmp_path: Path) -> None:
    assert written(filled, tmp_path / "late.jsonl", since="2026-11-09T00:00:00.000Z", until="2027") == 4 + 2
    found = checked_file(tmp_path / "late.jsonl")
    assert (found.findings, found.blocks, found.predictions) == ([], 6, 4)


@pytest.mark.parametrize("kept", [1, 5, 20])
def test_a_file_that_was_cut_short_is_refused(exported: Path, kept: int) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    exported.write_bytes(b"".join(lines[:kept]))

    with pytest.raises(UsageError, match=rf"ends after {kept} lines and not with its last one"):
        checked_file(exported)


def test_a_file_without_some_of_its_lines_is_refused(exported: Path) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    exported.write_bytes(b"".join(lines[:4] + lines[5:]))

    with pytest.raises(UsageError, match="had 21 lines before its last, and has 20"):
        checked_file(exported)


def test_a_row_that_was_taken_out_with_care_is_missed(exported: Path) -> None:
    lines = [line for line in exported.read_bytes().splitlines(keepends=True) if b'"prediction_id":"p-5"' not in line]
    exported.write_bytes(b"".join([*lines[:-1], orjson.dumps({"lines": 20})]))

    assert checked_file(exported).findings == ["1 prediction of block 2 is missing"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "ends after 0 lines"),
        (b"no json\n", "line 1: no JSON"),
        (b'{"a": 1}\n', "line 1: not what `churn audit export` writes"),
        (b'{"log": 1}\n{"row": {}}\n{"lines": 2}\n', "neither a block nor a row of one"),
        (b'{"log": 1}\n{"block": {"number": 0}}\n{"lines": 2}\n', "a block is not whole"),
    ],
)
def test_what_is_no_exported_log_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "other").write_bytes(content)

    with pytest.raises(UsageError, match=words):
        checked_file(tmp_path / "other")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere can't be read: No such file"):
        checked_file(tmp_path / "nowhere")
