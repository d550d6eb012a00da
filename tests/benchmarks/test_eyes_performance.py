import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.eyes import performance as command
from benchmarks.eyes.performance import HORIZON, WAYS, World, alarms, bands, coverage, labels, live, truth
from churn.evaluation.intervals import Estimate
from churn.evaluation.observed import base_rate

RUNS = 8


@pytest.fixture(scope="module")
def base_rates() -> dict[str, list[Estimate]]:
    """The share who leave, as each way finds it in a few worlds."""
    rng = np.random.default_rng(11)
    worlds = [live(World(), 4_000, rng) for _ in range(RUNS)]
    targets = {way: [how(one) for one in worlds] for way, how in WAYS.items()}
    return {way: [base_rate(one[~np.isnan(one)].astype(int)) for one in found] for way, found in targets.items()}


@pytest.mark.parametrize(
    ("way", "least", "most"), [("once due", 7, 8), ("known now", 0, 2), ("silence is staying", 0, 0)]
)
def test_the_share_who_leave_is_true_only_once_outcomes_are_due(
    base_rates: dict[str, list[Estimate]], way: str, least: int, most: int
) -> None:
    true = float((live(World(), 200_000, np.random.default_rng(12)).leaves_after <= HORIZON).mean())

    assert least <= sum(one.low <= true <= one.high for one in base_rates[way]) <= most


def test_nobody_is_labelled_before_an_outcome_is_due_and_everybody_then() -> None:
    customers = live(World(), 500, np.random.default_rng(3))

    found = labels(customers)

    is_due = customers.predicted < -60
    assert np.isnan(found[~is_due]).all()
    assert (found[is_due] == customers.left[is_due]).all()
    assert (customers.told[~is_due & (customers.left == 1)] < 0).any()


def test_a_calibrated_model_says_the_share_that_leaves() -> None:
    customers = live(World(slope=1), 100_000, np.random.default_rng(4))

    assert customers.probability.mean() == pytest.approx((customers.leaves_after <= HORIZON).mean(), abs=0.005)


def test_each_table_has_a_line_for_each_of_its_subjects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "TRUTH_CUSTOMERS", 10_000)
    monkeypatch.setattr(command, "CUSTOMERS", 1_000)
    monkeypatch.setattr(command, "CHANGES", {"nothing": (World(slope=1), (300,))})

    assert len(list(coverage(1, resamples=20))) == 2 + len(command.SHOWN)
    assert len(list(bands(1, draws=20))) == 2 + len(command.EXPECTED)
    assert len(list(alarms(1, resamples=20))) == 3


def test_the_section_is_written_and_the_rest_of_the_page_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "RESULTS.md"
    page.write_text("# Results\n\n| 41 µs |\n")
    monkeypatch.setattr(command, "_section", lambda runs, _: iter([f"{runs} runs"]))
    monkeypatch.setattr(sys, "argv", ["performance", "--runs", "3", "--results", str(page)])

    command.main()

    assert "| 41 µs |" in page.read_text()
    assert "<!-- eyes: performance: begin -->\n3 runs\n" in page.read_text()


def test_a_model_that_knows_less_ranks_worse() -> None:
    assert truth(World(noise=0.6), 20_000)["roc_auc"] < truth(replace(World(), noise=0.0), 20_000)["roc_auc"] - 0.03
