from pathlib import Path

import pytest

from benchmarks.eyes import simulation


def test_a_small_count_writes_the_section_and_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, picture = tmp_path / "RESULTS.md", tmp_path / "picture.svg"
    page.write_text("# Results\n\nOthers' numbers.\n")
    arguments = ["--runs", "1", "--customers", "500", "--results", str(page), "--picture", str(picture)]
    monkeypatch.setattr("sys.argv", ["simulation", *arguments])

    simulation.main()

    text = page.read_text()
    assert "Others' numbers." in text
    assert [name for name in simulation.WORLDS if f"| {name} |" in text] == list(simulation.WORLDS)
    assert "base:0.4@10" in picture.read_text()


def test_a_truth_that_is_wrong_is_found_out() -> None:
    found = simulation.checked("right", simulation.World(), runs=3, customers=3000)
    assert found.covered > 0.85
    assert abs(found.difference) < 4 * found.error

    month = next(simulation.simulate(simulation.World(customers=30_000)))
    month.hazard[:] *= 0.9
    deviations = list(simulation.deviations_of(month))
    assert sum(abs(one) > simulation.WITHIN for one in deviations) >= 3
