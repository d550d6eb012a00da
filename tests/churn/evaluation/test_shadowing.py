"""Two versions on simulated customers whose difference is known."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import spearmanr

from churn.evaluation.shadowing import ShadowComparison, View, compare_shadow

GAIN, LOSS = 200.0, -11.0
THRESHOLD = 0.3


def expected(probability: np.ndarray) -> np.ndarray:
    return probability * GAIN + (1 - probability) * LOSS


def view(probability: np.ndarray, threshold: float = THRESHOLD) -> View:
    level = np.where(probability >= 0.6, "HIGH", np.where(probability >= threshold, "MEDIUM", "LOW"))
    return View(probability, probability >= threshold, level.astype(object))


def simulated(rows: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True probabilities, and those of a version that sees them through noise; uniform, so that much is known."""
    rng = np.random.default_rng(seed)
    true = rng.uniform(0, 1, rows)
    return true, np.clip(true + rng.uniform(-0.2, 0.2, rows), 0, 1)


def compared(rows: int, *, seed: int = 0) -> ShadowComparison:
    true, noisy = simulated(rows, seed=seed)
    return compare_shadow(view(noisy), view(true), np.arange(rows), expected, seed=seed)


def test_a_version_beside_itself_agrees_in_everything() -> None:
    true, _ = simulated(500, seed=0)
    found = compare_shadow(view(true), view(true), np.arange(500), expected)

    assert (found.agreement.value, found.agreement.low, found.levels_changed) == (1.0, 1.0, 0)
    assert (found.difference.value, found.absolute_difference.high, found.largest_difference) == (0.0, 0.0, 0.0)
    assert found.correlation == pytest.approx(1)
    assert found.rank_correlation == pytest.approx(1)
    assert [each.difference.value for each in found.profit] == [0.0] * 4


def test_what_is_known_of_simulated_customers_is_found() -> None:
    """The share that the noise carries over the threshold is 0.1 by integration; |noise| is 0.1 in the middle."""
    found = compared(200_000)

    assert found.agreement.value == pytest.approx(1 - 0.1, abs=0.003)
    assert found.absolute_difference.value == pytest.approx(0.09, abs=0.01)
    assert found.difference.value == pytest.approx(0, abs=0.002)
    assert found.largest_difference == pytest.approx(0.2, abs=0.001)
    assert found.shadow_at_risk == pytest.approx(0.7, abs=0.005)


def test_the_gain_of_the_truer_version_is_what_integration_gives_by_its_own_probabilities() -> None:
    """By the truth, the noisy campaign loses ∫ share carried over · profit there; found by a fine grid."""
    true = (np.arange(4_000) + 0.5) / 4_000
    noise = (np.arange(400) + 0.5) / 400 * 0.4 - 0.2
    is_called = (np.clip(true[:, None] + noise, 0, 1) >= THRESHOLD).mean(axis=1)
    known = np.mean(expected(true) * ((true >= THRESHOLD) - is_called))
    by_shadow = next(each for each in compared(200_000).profit if each.taken_for_true == "shadow")

    assert by_shadow.difference.value == pytest.approx(known, abs=0.1)
    assert by_shadow.shadow - by_shadow.production == pytest.approx(by_shadow.difference.value)


def test_intervals_hold_what_they_are_to_hold_in_about_95_of_100_samples() -> None:
    known = compared(400_000, seed=99)
    wanted = [known.agreement.value, known.absolute_difference.value, *(one.difference.value for one in known.profit)]
    held = np.zeros(len(wanted))
    for seed in range(120):
        found = compared(300, seed=seed)
        means = [found.agreement, found.absolute_difference, *(one.difference for one in found.profit)]
        held += [mean.low <= value <= mean.high for mean, value in zip(means, wanted, strict=True)]

    assert np.all(held / 120 > 0.88)


def test_rows_of_one_customer_are_drawn_together() -> None:
    """Ten times the same rows are no ten times as sure."""
    true, noisy = simulated(200, seed=3)
    once = compare_shadow(view(noisy), view(true), np.arange(200))
    repeated = np.tile(np.arange(200), 10)
    tenfold = compare_shadow(view(noisy[repeated]), view(true[repeated]), repeated)

    assert (tenfold.rows, tenfold.customers) == (2_000, 200)
    assert tenfold.agreement == once.agreement


def test_a_version_that_is_afraid_of_all_promises_itself_a_gain_that_the_other_does_not_see() -> None:
    true, _ = simulated(5_000, seed=1)
    afraid = np.clip(true + 0.3, 0, 1)
    found = compare_shadow(view(true), view(afraid), np.arange(5_000), lambda p: expected(p) - 60)
    gains = {each.taken_for_true: each.difference for each in found.profit}

    assert gains["production"].high < 0 < gains["shadow"].low
    assert gains["production"].value < gains["mean of both"].value < gains["shadow"].value
    assert found.difference.low > 0.2


def test_ranks_are_as_scipy_s_with_ties_too() -> None:
    rng = np.random.default_rng(5)
    first, second = (rng.integers(0, 8, 300) / 10 for _ in range(2))
    found = compare_shadow(view(first), view(second), np.arange(300))

    assert found.rank_correlation == pytest.approx(spearmanr(first, second).statistic)


def test_levels_are_counted_by_both_and_without_economics_there_is_no_profit() -> None:
    probability = [np.array([0.1, 0.4, 0.7, 0.7]), np.array([0.1, 0.7, 0.7, 0.2])]
    found = compare_shadow(*map(view, probability), np.array(["a", "b", "c", "c"]))

    assert found.levels["MEDIUM"] == {"LOW": 0, "MEDIUM": 0, "HIGH": 1}
    assert found.levels["HIGH"] == {"LOW": 1, "MEDIUM": 0, "HIGH": 1}
    assert (found.levels_changed, found.customers, found.profit) == (2, 3, ())


def test_a_constant_version_has_no_correlation() -> None:
    found = compare_shadow(view(np.full(4, 0.5)), view(np.array([0.1, 0.2, 0.3, 0.4])), np.arange(4))

    assert (found.correlation, found.rank_correlation) == (None, None)


def test_the_comparison_needs_nothing_that_a_door_has_not() -> None:
    code = "import sys, churn.evaluation.shadowing; print(sorted({'scipy', 'pandas', 'sklearn'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert said.strip() == "[]"


def test_more_customers_make_intervals_narrower() -> None:
    widths = [(found := compared(rows)).agreement.high - found.agreement.low for rows in (100, 1_000, 10_000)]

    assert all(narrow < wide / 2 for wide, narrow in pairwise(widths))
