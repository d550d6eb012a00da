import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from churn.contract.economics import Economics
from churn.retention.months import CategoryTerm, MonthsModel, NumberTerm
from churn.retention.profit import customer_value

PRICE = NumberTerm(name="price", median=1, low=0, high=10, centre=2, spread=2, coefficient=-0.5)
PLAN = CategoryTerm(name="plan", coefficients={"yearly": 1.5})


def model(shape: str = "weibull", power: float = 0.8, **changes: object) -> MonthsModel:
    facts: dict[str, object] = {
        "shape": shape,
        "duration": "months",
        "median_months": 20.0,
        "intercept": 3.0,
        "terms": (PRICE, PLAN),
        "power": power,
    }
    return MonthsModel.model_validate(facts | changes)


def customers(months: float, price: float = 2.0, plan: str = "monthly") -> dict[str, np.ndarray]:
    return {
        "months": np.array([months], np.float32),
        "price": np.array([price], np.float32),
        "plan": np.array([plan], object),
    }


def _still_there(shape: str, power: float, months: float, scale: float) -> float:
    hazard = (months / scale) ** power
    return math.exp(-hazard) if shape == "weibull" else 1 / (1 + hazard)


@pytest.mark.parametrize("shape", ["weibull", "log_logistic"])
@pytest.mark.parametrize("power", [0.4, 0.8, 1.0, 2.5])
@pytest.mark.parametrize("so_far", [0.5, 3, 40])
@pytest.mark.parametrize("horizon", [1, 12, 60])
def test_expected_months_are_the_area_under_the_curve_from_now_on(
    shape: str, power: float, so_far: float, horizon: float
) -> None:
    scale = math.exp(3)
    area = quad(lambda month: _still_there(shape, power, so_far + month, scale), 0, horizon)[0]

    found = model(shape, power).expected_months(customers(so_far), horizon)

    assert found[0] == pytest.approx(area / _still_there(shape, power, so_far, scale), rel=1e-5)


def test_a_constant_risk_forgets_how_long_the_customer_has_been_one() -> None:
    exponential = model(power=1.0)

    found = [exponential.expected_months(customers(months), 12)[0] for months in (1, 10, 100)]

    assert found == pytest.approx([math.exp(3) * (1 - math.exp(-12 / math.exp(3)))] * 3)


def test_columns_move_the_months_as_their_coefficients_say() -> None:
    found = model().log_scale(customers(5, price=4, plan="yearly"))

    assert found[0] == pytest.approx(3.0 - 0.5 + 1.5)


@given(
    months=st.floats(0, 1e6, width=32) | st.just(math.nan),
    price=st.floats(allow_infinity=False, width=32) | st.just(math.nan),
    plan=st.sampled_from(["monthly", "yearly", "", "unheard of"]),
    shape=st.sampled_from(["weibull", "log_logistic"]),
    intercept=st.floats(-20, 20),
)
def test_every_customer_is_expected_to_stay_between_nothing_and_the_horizon(
    **facts: float | str,
) -> None:
    told = model(str(facts["shape"]), intercept=facts["intercept"])
    columns = customers(float(facts["months"]), float(facts["price"]), str(facts["plan"]))

    found = told.expected_months(columns, 12)[0]

    assert 0 <= found <= 12 + 1e-9
    row = {name: str(values[0]) if name == "plan" else float(values[0]) for name, values in columns.items()}
    assert told.expected_months_of_row(row, 12) == found


def test_units_are_turned_into_months() -> None:
    in_years = model(months_per_unit=12.0)

    assert in_years.expected_months(customers(2), 12) == pytest.approx(model().expected_months(customers(24), 12))


def test_json_keeps_the_model() -> None:
    again = MonthsModel.model_validate_json(model().model_dump_json())

    assert again == model()
    assert again.expected_months(customers(3), 12) == model().expected_months(customers(3), 12)


def test_worth_counts_the_expected_months() -> None:
    economics = Economics(value_column="price", value_from="survival", horizon_months=12, margin_ratio=0.5)
    months = model().expected_months(customers(3), 12)

    assert customer_value(economics, customers(3), months) == pytest.approx(months * 2.0 * 0.5)


def test_the_model_is_read_without_what_trains() -> None:
    heavy = "sorted({'lifelines', 'pandas', 'scipy', 'sklearn', 'onnx'} & set(sys.modules))"
    code = f"import sys, churn.retention.months; print({heavy})"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"
