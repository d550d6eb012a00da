"""A synthetic customer table as a CSV file, of any length in little memory."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO
from uuid import uuid4

from churn.data.sampler import TELCO_COLUMNS, Customers, sample_blocks
from churn.errors import StoreError


def write_sample(
    path: Path, rows: int, *, seed: int, shift: float = 0.0, progress: Callable[[int], None] = lambda _rows: None
) -> None:
    """Write `rows` customers of `sample_telco` to `path`; the file appears when it is whole.

    Args:
        path: The CSV to make or replace; its folder is made when needed.
        rows: How many customers, at least 1.
        seed: The same seed gives the same file, byte for byte.
        shift: From 0, the real population, to 1.
        progress: Told the number of rows of each block that is written.

    Raises:
        UsageError: An argument is out of its range.
        StoreError: The file can't be written.
    """
    blocks = sample_blocks(rows, seed=seed, shift=shift)
    try:
        _write(path, blocks, progress)
    except OSError as error:
        raise StoreError(f"can't write {path}: {error.strerror or error}; choose another file") from error


def _write(path: Path, blocks: Iterator[Customers], progress: Callable[[int], None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with part.open("x", encoding="utf-8", newline="") as file:
            _write_blocks(file, blocks, progress)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_blocks(file: TextIO, blocks: Iterator[Customers], progress: Callable[[int], None]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(TELCO_COLUMNS)
    for block in blocks:
        writer.writerows(zip(*block.values(), strict=True))
        progress(len(block["customerID"]))
