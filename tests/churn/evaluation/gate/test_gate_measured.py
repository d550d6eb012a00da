import numpy as np
import pytest
from scipy.stats import ttest_1samp
from sklearn.metrics import roc_auc_score

from churn.evaluation.gate.measured import Measured, measure_by
from churn.evaluation.gate.ranking import places, rank


def mean_of(values: np.ndarray, groups: np.ndarray | None = None) -> Measured:
    return measure_by(float(values.mean()), values - values.mean(), groups)


def test_the_mean_of_many_is_judged_as_student_did() -> None:
    values = np.random.default_rng(0).normal(0.1, 1, 2_000)

    found, known = mean_of(values), ttest_1samp(values, 0, alternative="greater")

    assert found.p_above == pytest.approx(known.pvalue, rel=0.05)
    assert found.low == pytest.approx(known.confidence_interval(0.975).low, rel=0.02)
    assert found.p_below == pytest.approx(1 - found.p_above)


def test_where_few_customers_carry_the_error_the_interval_is_wide() -> None:
    many, few = np.tile([1.0, -1.0], 500), np.zeros(1_000)
    few[:4] = np.sqrt(250) * np.array([1, -1, 1, -1])

    assert mean_of(few).error == pytest.approx(mean_of(many).error)
    assert mean_of(few).high > 1.5 * mean_of(many).high


def test_one_customer_tells_nothing() -> None:
    found = mean_of(np.array([3.0, 5.0]), np.array(["a", "a"]))

    assert (found.low, found.high) == (-np.inf, np.inf)
    assert found.more_rows(1.0) is None


def test_nothing_that_varies_is_sure() -> None:
    assert (mean_of(np.full(9, 2.0)).low, mean_of(np.full(9, 2.0)).p_above) == (2, 0)
    assert (mean_of(np.zeros(9)).p_above, mean_of(np.zeros(9)).p_below) == (1, 1)


def test_as_many_rows_as_are_asked_for_show_the_gain_in_eight_of_ten_samples() -> None:
    more = Measured(value=0.2, error=0.1, freedom=99, rows=100).more_rows(0.2)
    assert more == 97

    rng = np.random.default_rng(1)
    found = [mean_of(rng.normal(0.2, 1, 100 + more)).low > 0 for _ in range(400)]

    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("gain", [0.0, -1.0, 5.0])
def test_no_rows_are_asked_for_where_none_would_help_or_none_are_missing(gain: float) -> None:
    assert mean_of(np.random.default_rng(2).normal(0, 1, 100)).more_rows(gain) is None


def test_ranking_and_its_error_are_those_of_scikit_learn_and_of_a_bootstrap() -> None:
    rng = np.random.default_rng(3)
    target = (rng.random(800) < 0.3).astype(np.int64)
    probability = np.round(0.5 * rng.random(800) + 0.2 * target, 2)  # with many ties

    found = rank(target, places(probability))

    assert found.roc_auc == pytest.approx(roc_auc_score(target, probability))
    drawn = []
    for _ in range(200):
        here = rng.integers(800, size=800)
        drawn.append(roc_auc_score(target[here], probability[here]))
    assert measure_by(found.roc_auc, found.influence, None).error == pytest.approx(np.std(drawn), rel=0.12)
