import csv
from pathlib import Path

import pytest

from churn.data.sampler import BLOCK_ROWS, sample_telco
from churn.data.sampler_file import write_sample
from churn.errors import StoreError, UsageError


def columns_of(path: Path) -> dict[str, list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return {column: list(texts) for column, texts in zip(header, zip(*rows, strict=True), strict=True)}


def test_the_file_holds_the_sample_over_several_blocks(tmp_path: Path) -> None:
    path = tmp_path / "new" / "customers.csv"
    blocks: list[int] = []

    write_sample(path, BLOCK_ROWS + 7, seed=5, shift=0.5, progress=blocks.append)

    assert columns_of(path) == sample_telco(BLOCK_ROWS + 7, seed=5, shift=0.5)
    assert blocks == [BLOCK_ROWS, 7]
    assert [other.name for other in path.parent.iterdir()] == ["customers.csv"]


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        write_sample(tmp_path / name, 50, seed=5)

    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_a_sample_that_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("old")

    def break_off(rows: int) -> None:
        raise KeyboardInterrupt(rows)

    with pytest.raises(KeyboardInterrupt, match="10"):
        write_sample(path, 10, seed=5, progress=break_off)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cant_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"can't write .*Is a directory; choose another file"):
        write_sample(tmp_path, 10, seed=5)


def test_nonsense_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 1 row"):
        write_sample(tmp_path / "customers.csv", 0, seed=5)
    assert list(tmp_path.iterdir()) == []
