"""The races of the benchmark, one round."""

from pathlib import Path

import pytest

from benchmarks.promotion.races import main


@pytest.mark.slow
def test_it_writes_a_row_for_each_database(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"

    assert main(["--rounds", "1", "--output", str(page)]) == 0

    assert "| sqlite | 1 | " in page.read_text("utf-8")
