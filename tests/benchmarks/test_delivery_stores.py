from pathlib import Path

import pytest

from benchmarks.delivery.stores import SECTION, main
from benchmarks.results import section_of


@pytest.mark.slow
def test_it_writes_a_line_for_each_database(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"

    main(["--rounds", "1", "--rows", "512", "--output", str(page)])

    table = section_of(page.read_text("utf-8"), SECTION)
    assert all(f"| {name} | " in table for name in ("SQLite", "PostgreSQL", "MariaDB"))
    assert "| 1.00 × |" in table
