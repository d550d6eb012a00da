from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import beta as beta_distribution
from scipy.stats import norm
from sklearn.metrics import roc_curve

from churn.contract.economics import Beta, Economics
from churn.evaluation.empc import expected_maximum_profit

TEXTBOOK = Economics(customer_value=200, contact_cost=1, offer_cost=10, offer_success=Beta(alpha=6, beta=14))


def customers(rows: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes drawn from their own true probabilities."""
    rng = np.random.default_rng(seed)
    truth = expit(rng.normal(-1.4, 1.3, rows))
    return (rng.random(rows) < truth).astype(float), truth


def by_monte_carlo(target: np.ndarray, scores: np.ndarray, economics: Economics, value: float) -> tuple[float, float]:
    """Try every threshold for each drawn γ: mean of the best profit, and of the share contacted there."""
    rng = np.random.default_rng(1)
    success = rng.beta(economics.offer_success.alpha, economics.offer_success.beta, 4000)[:, None]
    false_positive, true_positive, _ = roc_curve(target, scores, drop_intermediate=False)
    base = target.mean()
    leavers, stayers = base * true_positive, (1 - base) * false_positive
    profit = (success * (value - economics.offer_cost) - economics.contact_cost) * leavers
    profit -= (economics.offer_cost + economics.contact_cost) * stayers
    best = profit.argmax(axis=1)
    return float(profit.max(axis=1).mean()), float((leavers + stayers)[best].mean())


def as_the_r_package_does(target: np.ndarray, scores: np.ndarray, economics: Economics, value: float) -> float:
    """Walk over the vertices of the ROC curve's hull and integrate over γ between them (Verbraken et al., 2013)."""
    false_positive, true_positive, _ = roc_curve(target, scores, drop_intermediate=False)
    points = upper_hull(np.column_stack([false_positive, true_positive]))
    base = target.mean()
    delta, phi = economics.offer_cost / value, economics.contact_cost / value
    found, alarmed = points[:, 1], points[:, 0]
    step_found, step_alarmed = np.diff(found), np.diff(alarmed)
    with np.errstate(divide="ignore"):
        borders = (base * phi * step_found + (1 - base) * (delta + phi) * step_alarmed) / (
            base * (1 - delta) * step_found
        )
    edges = np.concatenate([[0], np.minimum(borders, 1), [1]])
    alpha, beta = economics.offer_success.alpha, economics.offer_success.beta
    share = np.diff(beta_distribution.cdf(edges, alpha, beta))
    success = economics.offer_success.mean * np.diff(beta_distribution.cdf(edges, alpha + 1, beta))
    earned = (success * (1 - delta) - share * phi) * base * found - share * (delta + phi) * (1 - base) * alarmed
    return float(value * earned.sum())


def upper_hull(points: np.ndarray) -> np.ndarray:
    """The upper convex hull of points in order of x then y (Andrew's monotone chain)."""
    kept: list[np.ndarray] = []
    for point in points:
        while len(kept) > 1 and np.linalg.det(np.array([kept[-1] - kept[-2], point - kept[-1]])) >= 0:
            kept.pop()
        kept.append(point)
    return np.array(kept)


@pytest.mark.parametrize("seed", range(5))
def test_the_closed_form_equals_trying_every_threshold(seed: int) -> None:
    target, scores = customers(400, seed=seed)
    brute, contacted = by_monte_carlo(target, scores.round(2), TEXTBOOK, 200)

    found = expected_maximum_profit(target, scores.round(2), TEXTBOOK, value=200)

    assert found.value == pytest.approx(brute, rel=0.02)
    assert found.fraction_contacted == pytest.approx(contacted, abs=0.02)


@given(
    st.integers(0, 1000),
    st.floats(20, 1000),
    st.floats(0.1, 15),
    st.tuples(st.floats(0.5, 20), st.floats(0.5, 20)),
)
@settings(max_examples=10, deadline=None)
def test_the_groups_of_isotonic_regression_give_what_the_hull_gives(
    seed: int, value: float, cost: float, shape: tuple[float, float]
) -> None:
    target, scores = customers(120, seed=seed)
    economics = Economics(
        customer_value=value, contact_cost=cost / 3, offer_cost=cost, offer_success=Beta(alpha=shape[0], beta=shape[1])
    )

    found = expected_maximum_profit(target, scores, economics, value=value)

    assert found.value == pytest.approx(as_the_r_package_does(target, scores, economics, value), rel=1e-6, abs=1e-6)


def test_a_perfect_model_earns_what_is_known_in_closed_form() -> None:
    target = np.repeat([1.0, 0.0], [250, 750])
    success = np.linspace(0, 1, 200_001)[1:]
    density = beta_distribution.pdf(success, 6, 14)
    earned = np.trapezoid(np.maximum(success * 190 - 1, 0) * density, success)

    found = expected_maximum_profit(target, target, TEXTBOOK, value=200)

    assert found.value == pytest.approx(0.25 * earned, rel=1e-4)
    assert found.fraction_contacted == pytest.approx(0.25, abs=1e-3)
    assert found.gain_over_contact_all == pytest.approx(0.25 * earned - (0.25 * (0.3 * 190 - 1) - 0.75 * 11), rel=1e-4)


def test_scores_that_say_nothing_leave_only_all_or_nobody() -> None:
    target = np.repeat([1.0, 0.0], [250, 750])
    success = np.random.default_rng(0).beta(6, 14, 400_000)
    all_or_nobody = np.maximum(0.25 * (success * 190 - 1) - 0.75 * 11, 0).mean()

    found = expected_maximum_profit(target, np.full(1000, 0.5), TEXTBOOK, value=200)

    assert found.value == pytest.approx(all_or_nobody, rel=0.01)
    assert 0 <= found.gain_over_contact_all < 0.5


def test_a_reversed_model_is_worth_no_more_than_a_random_one() -> None:
    target, scores = customers(500, seed=2)

    reversed_one = expected_maximum_profit(target, -scores, TEXTBOOK, value=200)
    constant = expected_maximum_profit(target, np.zeros(500), TEXTBOOK, value=200)

    assert reversed_one.value == pytest.approx(constant.value, rel=0.05)


def test_only_the_order_of_scores_counts() -> None:
    target, scores = customers(300, seed=3)

    first = expected_maximum_profit(target, scores, TEXTBOOK, value=200)

    assert first == expected_maximum_profit(target, np.log(scores) * 7, TEXTBOOK, value=200)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=30),
    st.floats(0, 1e6),
    st.floats(0, 1e4),
    st.floats(0, 1e4),
)
@settings(max_examples=20, deadline=None)
def test_money_is_never_nan_and_never_below_doing_nothing(
    rows: list[tuple[bool, int]], value: float, contact: float, offer: float
) -> None:
    target, scores = (np.array(column, float) for column in zip(*rows, strict=True))
    economics = TEXTBOOK.model_copy(update={"contact_cost": contact, "offer_cost": offer})

    found = expected_maximum_profit(target, scores, economics, value=value)

    assert np.isfinite([found.value, found.low, found.high, found.value_low, found.value_high]).all()
    assert found.value >= 0
    assert 0 <= found.fraction_contacted <= 1 + 1e-9
    assert found.gain_over_contact_all >= -1e-6 * (1 + value + contact + offer)


def test_rows_of_one_customer_are_one_piece_of_evidence() -> None:
    target, scores = customers(300, seed=4)
    alone = expected_maximum_profit(target, scores, TEXTBOOK, value=200)
    groups = np.tile(np.arange(300), 4)

    thought_many = expected_maximum_profit(np.tile(target, 4), np.tile(scores, 4), TEXTBOOK, value=200)
    grouped = expected_maximum_profit(np.tile(target, 4), np.tile(scores, 4), TEXTBOOK, value=200, groups=groups)

    assert grouped.value == pytest.approx(alone.value)
    assert grouped.high - grouped.low == pytest.approx(alone.high - alone.low, rel=0.15)
    assert thought_many.high - thought_many.low < 0.7 * (grouped.high - grouped.low)


@cache
def true_gain() -> float:
    """Of all customers there could be: quantiles of the scores, each of whom leaves with that very probability."""
    truth = expit(norm.ppf((np.arange(5000) + 0.5) / 5000) * 1.3 - 1.4)
    return expected_maximum_profit(truth, truth, TEXTBOOK, value=200).gain_over_contact_all


def covered(rows: int, runs: int) -> float:
    found = [expected_maximum_profit(*customers(rows, seed=seed), TEXTBOOK, value=200) for seed in range(1, runs + 1)]
    return float(np.mean([one.low <= true_gain() <= one.high for one in found]))


def test_the_interval_holds_the_true_gain_most_of_the_time() -> None:
    assert covered(300, 10) >= 0.7


@pytest.mark.slow
@pytest.mark.parametrize("rows", [300, 1000])
def test_the_interval_holds_the_true_gain_nineteen_times_in_twenty(rows: int) -> None:
    assert 0.9 <= covered(rows, 300) <= 0.99
