"""The measuring of the exporter's scrapes, at a small size."""

from pathlib import Path

from benchmarks.eyes.exporter import main


def test_it_writes_a_row_for_each_database(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"

    main(["--rows", "60", "--output", str(page), "--database", f"sqlite:///{tmp_path / 'other.db'}"])

    text = page.read_text("utf-8")
    assert "60 predictions of the last 30 days, of 18 customers" in text
    assert text.count("| sqlite |") == 2
