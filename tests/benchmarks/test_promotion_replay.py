"""The measuring of replays, at a small size."""

from pathlib import Path

from benchmarks.promotion.replay import main, measure


def test_it_writes_a_row_for_each_candidate(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"

    main(["--candidate", "logistic", "--rows", "300", "--trained-on", "400", "--output", str(page)])

    assert "| logistic |" in page.read_text("utf-8")


def test_plain_sums_depend_on_their_company_and_ours_do_not() -> None:
    found = measure("logistic", rows=300, trained_on=400, rounds=1)

    assert found.plain.different > 0
    assert (found.spaced.different, found.own.different, found.identical) == (0, 0, 1)
