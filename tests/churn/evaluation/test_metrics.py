import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit

from churn.evaluation.metrics import (
    MEASURES,
    calibration_error,
    calibration_slope,
    decision_metrics,
    equal_mass_bins,
    lift,
    measure,
    threshold_for_recall,
)


def outcomes(rows: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes drawn from their own true probabilities."""
    rng = np.random.default_rng(seed)
    truth = expit(rng.normal(-1, 1.3, rows))
    return (rng.random(rows) < truth).astype(np.int8), truth


@pytest.mark.parametrize("seed", range(6))
def test_the_slope_of_true_probabilities_is_one(seed: int) -> None:
    target, truth = outcomes(4000, seed=seed)

    assert 0.88 < calibration_slope(target, truth) < 1.12


@pytest.mark.parametrize(("stretch", "low", "high"), [(2.0, 0.43, 0.57), (0.5, 1.75, 2.25)])
def test_a_model_too_sure_has_a_slope_below_one_and_one_too_shy_above(stretch: float, low: float, high: float) -> None:
    target, truth = outcomes(6000, seed=1)
    log_odds = np.log(truth / (1 - truth))

    assert low < calibration_slope(target, expit(stretch * log_odds)) < high


def test_the_slope_of_a_perfect_separation_is_a_number() -> None:
    target = np.repeat([0, 1], 50)

    assert np.isfinite(calibration_slope(target, np.where(target == 1, 0.99, 0.01)))
    assert np.isfinite(calibration_slope(target, target.astype(float)))


@given(st.data(), st.floats(0.01, 1.0), st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_the_threshold_is_the_highest_that_reaches_the_recall(data: st.DataObject, recall: float, leavers: int) -> None:
    scores = data.draw(st.lists(st.integers(0, 20), min_size=leavers, max_size=leavers))
    others = data.draw(st.lists(st.integers(0, 20), max_size=20))
    probability = np.array([*scores, *others]) / 20
    target = np.repeat([1, 0], [leavers, len(others)])

    threshold = threshold_for_recall(target, probability, recall)

    assert (probability[target == 1] >= threshold).mean() >= recall - 1e-9
    higher = probability[probability > threshold]
    if len(higher):
        assert (probability[target == 1] >= higher.min()).mean() < recall


@pytest.mark.parametrize("recall", [0.1, 0.2, 0.3, 0.6, 0.7, 0.8, 0.9, 1.0])
def test_a_round_share_of_ten_leavers_is_not_missed_by_one(recall: float) -> None:
    probability = np.arange(1, 11) / 10

    threshold = threshold_for_recall(np.ones(10), probability, recall)

    assert (probability >= threshold).sum() == round(10 * recall)


def test_lift_counts_leavers_at_the_top() -> None:
    target = np.array([1, 1, 0, 0, 0, 0, 0, 0, 1, 1])
    probability = np.linspace(1, 0.1, 10)

    assert lift(target, probability, 0.2) == pytest.approx(2.5)
    assert lift(target, probability, 0.01) == pytest.approx(2.5)
    assert lift(target, probability, 1.0) == pytest.approx(1.0)


def test_decisions_at_a_threshold_are_counted() -> None:
    found = decision_metrics(np.array([1, 1, 0, 0]), np.array([0.9, 0.2, 0.8, 0.1]), 0.5)

    assert found == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "at_risk": 0.5}
    nobody = decision_metrics(np.array([1, 0]), np.array([0.1, 0.1]), 0.5)
    assert nobody == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "at_risk": 0.0}


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=4, max_size=40))
@settings(max_examples=40, deadline=None)
def test_every_measure_is_finite_when_both_kinds_are_there(rows: list[tuple[bool, float]]) -> None:
    target = np.array([int(left) for left, _ in rows])
    assume(0 < target.sum() < len(target))

    found = measure(target, np.array([score for _, score in rows]))

    assert set(found) == set(MEASURES)
    assert np.isfinite(list(found.values())).all()


def test_customers_at_the_border_of_the_top_count_in_part_whatever_their_order() -> None:
    target, probability = np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.5, 0.5, 0.5, 0.1])

    orders = [np.random.default_rng(seed).permutation(5) for seed in range(5)]

    assert [lift(target[order], probability[order], 0.4) for order in orders] == pytest.approx(
        [(1 + 1 / 3) / 2 / 0.4] * 5
    )


def test_the_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    target, probability = np.repeat([0, 1, 0, 1], [40, 10, 10, 40]), np.repeat([0.3, 0.7], 50)

    assert calibration_error(target, probability) == pytest.approx(0.1)
    assert calibration_error(target, np.repeat([0.2, 0.8], 50)) == pytest.approx(0)


def test_bins_have_equal_mass_and_never_divide_equal_probabilities() -> None:
    probability = np.round(np.random.default_rng(0).random(1000), 2)

    bins = equal_mass_bins(probability)

    assert set(bins) == set(range(10))
    assert np.bincount(bins).min() > 70
    assert all(len(set(bins[probability == one])) == 1 for one in probability)
