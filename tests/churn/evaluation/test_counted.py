import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from churn.evaluation.counted import COUNTED, Ranking, bin_gaps, counted_at
from churn.evaluation.metrics import MEASURES, decision_metrics

ROWS = st.lists(st.tuples(st.booleans(), st.integers(1, 19), st.integers(0, 3)), min_size=6, max_size=60)


@given(ROWS)
@settings(max_examples=150, deadline=None)
def test_counting_customers_equals_repeating_their_rows(rows: list[tuple[bool, int, int]]) -> None:
    target = np.array([int(left) for left, _, _ in rows])
    scores, drawn = np.array([score / 20 for _, score, _ in rows]), np.array([times for _, _, times in rows])
    repeated, probability = np.repeat(target, drawn), np.repeat(scores, drawn)
    assume(0 < repeated.sum() < len(repeated))

    counted = Ranking(target, scores).count(drawn[None, :])

    for name in set(COUNTED) - {"calibration_slope"}:
        assert COUNTED[name](counted)[0] == pytest.approx(MEASURES[name](repeated, probability)), name
    expected = decision_metrics(repeated, probability, 0.5)
    for name, how in counted_at(0.5).items():
        assert how(counted)[0] == pytest.approx(expected[name]), name


@pytest.mark.parametrize("stretch", [0.5, 1.0, 2.0])
def test_the_slope_of_counts_is_that_of_the_regression(stretch: float) -> None:
    rng = np.random.default_rng(0)
    log_odds = rng.normal(-1, 1.3, 3000)
    target = (rng.random(3000) < 1 / (1 + np.exp(-log_odds))).astype(int)
    scores = 1 / (1 + np.exp(-stretch * log_odds))
    drawn = rng.poisson(1, (1, 3000))

    found = COUNTED["calibration_slope"](Ranking(target, scores).count(drawn))

    expected = MEASURES["calibration_slope"](np.repeat(target, drawn[0]), np.repeat(scores, drawn[0]))
    assert found[0] == pytest.approx(expected, rel=2e-3)


def test_the_gaps_of_the_bins_add_up_to_the_calibration_error() -> None:
    rng = np.random.default_rng(1)
    scores = np.round(rng.random(500), 2)
    target = (rng.random(500) < scores**2).astype(int)
    ranking = Ranking(target, scores)

    gaps = bin_gaps(ranking.count(np.ones((1, 500))), ranking.bins)

    assert np.abs(gaps).sum() == pytest.approx(MEASURES["calibration_error"](target, scores))


def test_rows_that_were_never_tested_count_for_nothing() -> None:
    rng = np.random.default_rng(2)
    scores, target = rng.random(100), rng.integers(2, size=100)
    with_gaps = np.where(np.arange(100) < 30, np.nan, scores)

    counted = Ranking(target, with_gaps).count(np.ones((1, 100)))

    for name in ("roc_auc", "pr_auc", "brier", "lift_at_10_percent"):
        assert COUNTED[name](counted)[0] == pytest.approx(MEASURES[name](target[30:], scores[30:]))
