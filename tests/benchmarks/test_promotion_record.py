"""The measuring of the record, at a small size."""

from pathlib import Path

from benchmarks.promotion.record import main


def test_it_writes_what_writing_costs_and_how_long_checking_takes(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"

    main(["--written", "1280", "--small", "1280", "--large", "1500", "--output", str(page)])

    text = page.read_text("utf-8")
    assert "Writing 1,280 records" in text
    assert text.count("| sqlite |") == 3
    assert "| sqlite | 1,500 |" in text
