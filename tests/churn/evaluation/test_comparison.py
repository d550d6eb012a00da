"""The comparisons are held against worlds in which two are equal, and in which one is better by a known difference."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import ttest_1samp
from sklearn.metrics import roc_auc_score

from churn.errors import UsageError
from churn.evaluation.comparison import Comparison, compare, compare_training
from churn.evaluation.folds import Fold, make_folds


def twins(
    rows: int, seed: int, *, noise: tuple[float, float] = (0.5, 0.5)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and two models' scores; with equal noise neither is better on all customers."""
    rng = np.random.default_rng([seed, rows])
    log_odds = rng.normal(-1.42, 1.5, rows)
    labels = (rng.random(rows) < expit(log_odds)).astype(np.int8)
    first, second = (expit(log_odds + rng.normal(size=rows) * spread) for spread in noise)
    return labels, first, second


def refit(
    seed: int, *, useless: int = 60, extra: int = 0, repeats: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[list[Fold]]]:
    """Out-of-fold scores of two least-squares fits with useless columns, the second with some more."""
    rng = np.random.default_rng([seed, 77])
    rows = 400
    signal = rng.normal(size=(rows, 4))
    labels = (rng.random(rows) < expit(signal.sum(axis=1) * 0.8 - 1)).astype(np.int8)
    folds = make_folds(labels, folds=5, repeats=repeats, seed=seed)
    sides = [np.hstack([signal, rng.normal(size=(rows, count))]) for count in (useless, useless + extra)]
    first, second = (np.stack([_out_of_fold(side, labels, cut) for cut in folds]) for side in sides)
    return labels, first, second, folds


def _out_of_fold(columns: np.ndarray, labels: np.ndarray, folds: list[Fold]) -> np.ndarray:
    scores = np.full(len(labels), np.nan)
    for trained, tested in folds:
        weights = np.linalg.lstsq(columns[trained], labels[trained] - labels[trained].mean(), rcond=None)[0]
        scores[tested] = expit(columns[tested] @ weights)
    return scores


def share_different(found: list[Comparison]) -> float:
    return float(np.mean([one.is_different for one in found]))


@pytest.mark.parametrize("measure", ["roc_auc", "brier"])
def test_equal_scores_are_seldom_called_different(measure: str) -> None:
    """Of 100 runs at most 11: five in a hundred exceed that once in 200 times."""
    found = [compare(*twins(400, seed), measure=measure, resamples=150) for seed in range(100)]

    assert share_different(found) <= 0.11


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["roc_auc", "pr_auc", "brier", "lift_at_10_percent"])
def test_equal_scores_are_called_different_in_one_of_twenty_runs(measure: str) -> None:
    found = [compare(*twins(1000, seed), measure=measure, resamples=400) for seed in range(400)]

    print(measure, share_different(found))  # noqa: T201  the number for the report
    assert share_different(found) <= 0.07


@pytest.mark.slow
def test_a_hundredth_of_auc_is_found_among_seven_thousand_customers() -> None:
    """Noise of 0.29 and 0.48 on the log-odds: ROC-AUC 0.01 apart."""
    found = [compare(*twins(7000, seed, noise=(0.29, 0.48)), resamples=300) for seed in range(100)]

    print("power", share_different(found), np.mean([one.difference for one in found]))  # noqa: T201
    assert share_different(found) >= 0.8


def test_a_true_difference_is_inside_the_interval_and_the_better_one_is_named() -> None:
    found = compare(*twins(4000, 1, noise=(0.2, 1.5)))

    assert found.is_better
    assert 0 < found.low < found.difference < found.high
    assert found.words.startswith("better: roc_auc +0.0")
    assert compare(*twins(4000, 1, noise=(1.5, 0.2))).words.startswith("worse: roc_auc -0.0")
    assert compare(*twins(4000, 1, noise=(0.2, 1.5)), measure="brier").is_better


def test_a_set_of_scores_is_no_different_from_itself() -> None:
    labels, scores, _ = twins(300, 2)

    found = compare(labels, scores, scores)

    assert (found.difference, found.p_value, found.is_different) == (0.0, 1.0, False)
    assert found.words.startswith("no different: roc_auc +0.0000")


def test_rows_that_repeat_a_customer_are_no_evidence() -> None:
    labels, first, second = twins(300, 3, noise=(0.2, 1.0))
    four = np.repeat(np.arange(300), 4)

    once, grouped = compare(labels, first, second), compare(labels[four], first[four], second[four], groups=four)

    assert grouped.high - grouped.low == pytest.approx(once.high - once.low, rel=0.15)


def test_only_rows_that_both_were_tested_on_are_compared() -> None:
    labels, first, second = twins(300, 4)
    with_gaps = np.where(np.arange(300) < 50, np.nan, first)

    assert compare(labels, with_gaps, second).difference == pytest.approx(
        compare(labels[50:], first[50:], second[50:]).difference
    )


def test_equal_ways_of_training_are_seldom_called_different() -> None:
    found = [compare_training(*refit(seed)) for seed in range(60)]

    assert share_different(found) <= 0.11


def test_folds_that_share_training_rows_are_no_independent_trials() -> None:
    """Five folds test a fourth of what they train on: the interval is √((1/5 + 1/4) / (1/5)) = 1.5 times wider."""
    labels, first, second, folds = refit(0)

    found = compare_training(labels, first, second, folds)

    gains = [
        roc_auc_score(labels[tested], first[0][tested]) - roc_auc_score(labels[tested], second[0][tested])
        for _, tested in folds[0]
    ]
    low, high = ttest_1samp(gains, 0).confidence_interval()
    assert found.difference == pytest.approx(np.mean(gains))
    assert (found.high - found.low) / (high - low) == pytest.approx(1.5)


@pytest.mark.slow
def test_only_the_comparison_over_folds_holds_its_level_for_ways_of_training() -> None:
    over_folds, over_customers = [], []
    for seed in range(200):
        labels, first, second, folds = refit(seed)
        over_folds.append(compare_training(labels, first, second, folds))
        over_customers.append(compare(labels, first, second, resamples=300))

    print("folds", share_different(over_folds), "customers", share_different(over_customers))  # noqa: T201
    assert share_different(over_folds) <= 0.05
    assert share_different(over_customers) > 0.05


def test_a_worse_way_of_training_is_found() -> None:
    found = [compare_training(*refit(seed, useless=10, extra=90, repeats=2)) for seed in range(20)]

    assert np.mean([one.is_better for one in found]) > 0.5


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(UsageError, match="'auc' can't be compared; there are roc_auc"):
        compare(*twins(50, 0), measure="auc")
