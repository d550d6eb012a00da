import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.contract.economics import Beta, Economics
from churn.errors import ContractError
from churn.retention.profit import break_even, customer_value, expected_profit, realised_profit

MONEY = st.floats(0, 1e6)
SHARE = st.floats(0, 1)


@st.composite
def economies(draw: st.DrawFn) -> Economics:
    return Economics(
        customer_value=draw(MONEY),
        contact_cost=draw(MONEY),
        offer_cost=draw(MONEY),
        offer_success=Beta(alpha=draw(st.floats(0.1, 50)), beta=draw(st.floats(0.1, 50))),
    )


def by_column(**changes: object) -> Economics:
    return Economics.model_validate({"value_column": "monthly", "horizon_months": 12, "margin_ratio": 0.5} | changes)


def test_a_customer_is_worth_revenue_times_horizon_times_margin() -> None:
    value = customer_value(by_column(), {"monthly": np.array([10, 20], np.float32)})

    assert value.tolist() == [60.0, 120.0]
    assert customer_value(by_column(), {"monthly": 10.0, "plan": "A"}) == 60.0


def test_without_a_value_column_every_customer_is_worth_the_same() -> None:
    economics = Economics(customer_value=200)

    assert customer_value(economics, {"plan": np.array(["A", "B"], object)}).tolist() == [200.0, 200.0]
    assert float(customer_value(economics, {"plan": "A"})) == 200.0


def test_unknown_and_negative_revenue_is_worth_nothing() -> None:
    revenue = np.array([np.nan, -5, np.inf, 1], np.float32)

    assert customer_value(by_column(), {"monthly": revenue}).tolist() == [0, 0, 0, 6]


def test_expected_months_count_up_to_the_horizon() -> None:
    economics = by_column(value_from="survival")
    revenue = np.full(4, 10.0)

    value = customer_value(economics, {"monthly": revenue}, months=np.array([3, 40, -1, np.nan]))

    assert value.tolist() == [15, 60, 0, 0]


def test_survival_without_months_is_refused() -> None:
    with pytest.raises(ContractError, match="no expected months were given"):
        customer_value(by_column(value_from="survival"), {"monthly": 10.0})


def test_the_worked_example_by_hand() -> None:
    economics = Economics(customer_value=200, contact_cost=1, offer_cost=10, offer_success=Beta(alpha=6, beta=14))

    assert expected_profit(1.0, 200, economics) == pytest.approx(0.3 * 190 - 1)
    assert expected_profit(0.0, 200, economics) == -11
    assert expected_profit(0.5, 200, economics, 1.0) == pytest.approx((189 - 11) / 2)
    assert break_even(200, economics) == pytest.approx(11 / 67)


@given(SHARE, MONEY, economies(), SHARE)
@settings(max_examples=200, deadline=None)
def test_expected_profit_is_the_mean_over_both_outcomes(
    probability: float, value: float, economics: Economics, success: float
) -> None:
    left, stayed = realised_profit([1, 0], True, value, economics, success=success)

    expected = expected_profit(probability, value, economics, success)

    assert expected == pytest.approx(probability * left + (1 - probability) * stayed, rel=1e-9, abs=1e-6)
    assert np.isfinite(expected)


@given(SHARE, MONEY, economies())
@settings(max_examples=300, deadline=None)
def test_contacting_pays_from_the_break_even_probability_on(
    probability: float, value: float, economics: Economics
) -> None:
    border = float(break_even(value, economics))
    profit = float(expected_profit(probability, value, economics))

    assert not np.isnan(border)
    tolerance = 1e-9 * (value + economics.offer_cost + economics.contact_cost)
    if probability > border:
        assert profit >= -tolerance
    elif probability < border:
        assert profit <= tolerance


@given(st.lists(st.tuples(st.booleans(), MONEY), min_size=1, max_size=20), economies())
@settings(max_examples=60, deadline=None)
def test_who_is_not_contacted_earns_and_costs_nothing(rows: list[tuple[bool, float]], economics: Economics) -> None:
    target, value = (np.array(column) for column in zip(*rows, strict=True))

    assert not realised_profit(target, np.zeros(len(rows)), value, economics).any()


@given(MONEY, economies(), SHARE, st.floats(1e-3, 1e3))
@settings(max_examples=100, deadline=None)
def test_profit_scales_with_the_currency(value: float, economics: Economics, probability: float, scale: float) -> None:
    scaled = economics.model_copy(
        update={"offer_cost": economics.offer_cost * scale, "contact_cost": economics.contact_cost * scale}
    )

    profit = expected_profit(probability, value * scale, scaled)

    assert profit == pytest.approx(scale * expected_profit(probability, value, economics), rel=1e-6, abs=1e-3 * scale)


def test_draws_of_success_broadcast_against_customers() -> None:
    draws = np.array([[0.1], [0.5], [0.9]])

    profit = expected_profit(np.array([0.2, 0.8]), np.array([100, 200]), by_column(), draws)

    assert profit.shape == (3, 2)


def test_serving_gets_no_library_but_numpy_and_pydantic_with_it() -> None:
    heavy = "{'sklearn', 'scipy', 'pandas', 'matplotlib'}"
    found = subprocess.run(
        [sys.executable, "-c", f"import sys, churn.retention.profit; print({heavy} & set(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.strip() == "set()"
