import numpy as np
import pytest
from scipy import stats

from churn.evaluation.canarying import Answered, compare_canary, difference, two_samples


def group(customers: int, *, seed: int, higher: float = 0.0, known: float = 0.0) -> Answered:
    rng = np.random.default_rng(seed)
    probability = np.clip(rng.beta(2, 5, customers) + higher, 0, 1)
    churned = np.where(rng.random(customers) < known, rng.random(customers) < probability, np.nan)
    return Answered(2 * customers, probability, probability > 0.3, 100 * probability - 10, churned)


@pytest.mark.parametrize(("sizes", "shift"), [((400, 3000), 0.0), ((50, 80), 0.2), ((2000, 2000), 0.05)])
def test_the_distance_and_its_p_value_are_scipy_s(sizes: tuple[int, int], shift: float) -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=sizes[0]), rng.normal(size=sizes[1]) + shift
    expected = stats.ks_2samp(first, second, method="exact")

    distance, p_value = two_samples(first, second)
    assert distance == pytest.approx(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue, abs=0.05)


def test_equal_versions_are_told_apart_as_rarely_as_promised() -> None:
    found = [compare_canary(group(300, seed=2 * trial), group(2700, seed=2 * trial + 1)) for trial in range(400)]
    misses = [sum(each.probability.low > 0 or each.probability.high < 0 for each in found),
              sum(each.p_value < 0.05 for each in found)]  # fmt: skip

    assert all(8 <= each <= 35 for each in misses), misses  # 20 of 400 expected


def test_what_differs_is_told_with_its_interval() -> None:
    found = compare_canary(group(2000, seed=1, higher=0.1, known=0.5), group(9000, seed=2, known=0.5))

    assert found.probability.low is not None
    assert found.probability.low > 0.08
    assert found.p_value is not None
    assert found.p_value < 1e-6
    assert found.profit is not None
    assert found.profit.value > 0
    assert found.churned is not None
    assert found.churned.low is not None
    assert found.churned.low > 0
    assert (found.canary_customers, found.production_predictions) == (2000, 18_000)
    assert 900 < found.canary_outcomes < 1100


def test_without_economics_outcomes_or_enough_customers_nothing_is_made_up() -> None:
    alone = group(1, seed=1)
    bare = Answered(1, alone.probability, alone.is_at_risk, None, alone.churned)
    found = compare_canary(bare, group(10, seed=2, known=1.0))

    assert (found.profit, found.churned, found.p_value) == (None, None, None)
    assert (found.probability.low, found.probability.high) == (None, None)


def test_the_interval_is_that_of_welch() -> None:
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=4000), rng.normal(0.1, 2, size=2000)
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    found = difference(first, second)

    assert (found.low, found.high) == (pytest.approx(expected.low, abs=1e-3), pytest.approx(expected.high, abs=1e-3))
