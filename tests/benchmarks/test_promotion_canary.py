"""The measuring of what a canary costs, at a small size."""

from pathlib import Path

from benchmarks.promotion.canary import AT_ONCE, SHARES, main


def test_it_writes_a_row_for_each_share(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    page = tmp_path / "RESULTS.md"
    monkeypatch.setattr("benchmarks.promotion.canary.SHARES", {"no canary": None, "a canary for 50 %": 0.5})

    main(["--requests", str(2 * AT_ONCE), "--rounds", "1", "--output", str(page)])

    text = page.read_text("utf-8")
    assert "| no canary | " in text
    assert "| a canary for 50 % | " in text
    assert len(SHARES) > 2
