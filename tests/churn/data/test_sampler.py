import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.contract.contract import Contract
from churn.data.sampler import BLOCK_ROWS, TELCO_COLUMNS, Customers, sample_blocks, sample_telco
from churn.data.sampler_parameters import telco_parameters
from churn.errors import UsageError

INTERNET_SERVICES = (
    "OnlineSecurity",
    "OnlineBackup",
    "DeviceProtection",
    "TechSupport",
    "StreamingTV",
    "StreamingMovies",
)


@pytest.fixture(scope="module")
def many() -> Customers:
    return sample_telco(50_000, seed=1)


@pytest.fixture(scope="module")
def moved() -> Customers:
    return sample_telco(50_000, seed=1, shift=1.0)


def share(customers: Customers, column: str, value: str) -> float:
    return customers[column].count(value) / len(customers[column])


def numbers(customers: Customers, column: str) -> np.ndarray:
    return np.array([float(text.strip() or "nan") for text in customers[column]])


def test_the_same_seed_makes_the_same_customers() -> None:
    assert sample_telco(500, seed=7, shift=0.3) == sample_telco(500, seed=7, shift=0.3)


def test_another_seed_makes_other_customers() -> None:
    one, other = sample_telco(500, seed=7), sample_telco(500, seed=8)

    assert all(one[column] != other[column] for column in TELCO_COLUMNS)


def test_a_larger_sample_begins_with_the_smaller_one() -> None:
    small, large = sample_telco(BLOCK_ROWS + 5, seed=3), sample_telco(2 * BLOCK_ROWS + 1, seed=3)

    assert all(large[column][: BLOCK_ROWS + 5] == small[column] for column in TELCO_COLUMNS)


def test_blocks_of_one_seed_differ() -> None:
    first, second = sample_blocks(2 * BLOCK_ROWS, seed=3)

    assert all(first[column] != second[column] for column in TELCO_COLUMNS)


@settings(deadline=None, max_examples=25)
@given(rows=st.integers(1, 3000), seed=st.integers(0, 2**63), shift=st.floats(0, 1))
def test_every_sample_obeys_the_structure_of_the_real_file(rows: int, seed: int, shift: float) -> None:
    customers = sample_telco(rows, seed=seed, shift=shift)

    assert tuple(customers) == TELCO_COLUMNS
    assert {len(texts) for texts in customers.values()} == {rows}
    offline = [service == "No" for service in customers["InternetService"]]
    for column in INTERNET_SERVICES:
        assert [text == "No internet service" for text in customers[column]] == offline
    mute = [phone == "No" for phone in customers["PhoneService"]]
    assert [text == "No phone service" for text in customers["MultipleLines"]] == mute
    new = [tenure == "0" for tenure in customers["tenure"]]
    assert [text == " " for text in customers["TotalCharges"]] == new
    months, monthly, total = (numbers(customers, name) for name in ("tenure", "MonthlyCharges", "TotalCharges"))
    assert ((months >= 0) & (months <= 72)).all()
    assert (monthly >= 18).all()
    assert (total[months == 1] == monthly[months == 1]).all()
    assert (total[months > 0] >= monthly[months > 0]).all()
    assert all(text == "No" for text, is_new in zip(customers["Churn"], new, strict=True) if is_new)


def test_ids_look_like_the_real_ones_and_are_unique(many: Customers) -> None:
    assert all(re.fullmatch(r"\d{4}-[A-Z]{5}", text) for text in many["customerID"])
    assert len(set(many["customerID"])) == 50_000


def test_amounts_are_written_in_steps_of_five_cents_without_needless_zeros(many: Customers) -> None:
    for text in (*many["MonthlyCharges"], *many["TotalCharges"]):
        assert text == " " or re.fullmatch(r"[1-9]\d*(\.\d?[1-9])?", text)
        assert text == " " or round(float(text) * 100) % 5 == 0


def test_every_customer_fits_the_contract(many: Customers, telco: Contract) -> None:
    assert set(telco.columns) | {telco.customer_id, telco.target.column} == set(TELCO_COLUMNS)
    for column in telco.category_columns:
        assert set(many[column]) == set(telco.columns[column].categories)
    assert set(many["SeniorCitizen"]) == {"0", "1"}
    assert set(many["Churn"]) == {"No", "Yes"}


def test_shares_are_those_of_the_committed_parameters(many: Customers) -> None:
    parameters = telco_parameters()
    free = [table for table in parameters.tables if not table.parents]
    assert free
    for table in free:
        for value, expected in zip(parameters.values[table.column], table.shares[0], strict=True):
            assert share(many, table.column, value) == pytest.approx(expected, abs=0.01)


def test_shares_given_parents_are_those_of_the_committed_parameters(many: Customers) -> None:
    parameters = telco_parameters()
    table = next(table for table in parameters.tables if table.column == "Contract")
    cells = Counter(zip(*(many[parent] for parent in table.parents), strict=True))
    pairs = Counter(zip(*(many[parent] for parent in table.parents), many["Contract"], strict=True))
    frequent = [cell for cell, count in cells.items() if count >= 1000]
    assert len(frequent) >= 10
    for cell in frequent:
        number = 0
        for parent, value in zip(table.parents, cell, strict=True):
            number = number * len(parameters.values[parent]) + parameters.code(parent, value)
        for code, value in enumerate(parameters.values["Contract"]):
            assert pairs[*cell, value] / cells[cell] == pytest.approx(table.shares[number, code], abs=0.07)


def test_the_population_is_the_one_that_is_known_of_telco(many: Customers) -> None:
    assert share(many, "Churn", "Yes") == pytest.approx(0.265, abs=0.01)
    assert share(many, "Contract", "Month-to-month") == pytest.approx(0.55, abs=0.01)
    assert share(many, "InternetService", "Fiber optic") == pytest.approx(0.44, abs=0.01)
    assert np.median(numbers(many, "tenure")) == pytest.approx(29, abs=1.5)
    assert numbers(many, "MonthlyCharges").mean() == pytest.approx(64.8, abs=0.7)
    assert np.nanmean(numbers(many, "TotalCharges")) == pytest.approx(2283, abs=50)


def test_total_charges_follow_monthly_charges_times_tenure(many: Customers) -> None:
    months, monthly, total = (numbers(many, name) for name in ("tenure", "MonthlyCharges", "TotalCharges"))
    old = months > 12

    assert np.abs(total[old] / (monthly[old] * months[old]) - 1).max() < 0.5
    assert np.std(total[old] / (monthly[old] * months[old]) - 1) == pytest.approx(0.036, abs=0.005)


def test_a_shift_moves_what_it_says(many: Customers, moved: Customers) -> None:
    for column, value in (
        ("Contract", "Month-to-month"),
        ("InternetService", "Fiber optic"),
        ("PaymentMethod", "Electronic check"),
    ):
        assert share(moved, column, value) > share(many, column, value) + 0.1
    assert share(moved, "Churn", "Yes") > share(many, "Churn", "Yes") + 0.1


def test_a_shift_raises_each_price_by_a_quarter(many: Customers, moved: Customers) -> None:
    def fiber_with_one_line(customers: Customers) -> float:
        monthly = numbers(customers, "MonthlyCharges")
        plain = [
            row
            for row, service in enumerate(customers["InternetService"])
            if service == "Fiber optic"
            and customers["MultipleLines"][row] == "No"
            and all(customers[column][row] == "No" for column in INTERNET_SERVICES)
        ]
        return float(monthly[plain].mean())

    assert fiber_with_one_line(moved) == pytest.approx(1.25 * fiber_with_one_line(many), rel=0.005)


def test_half_a_shift_lies_between(many: Customers, moved: Customers) -> None:
    half = sample_telco(50_000, seed=1, shift=0.5)

    shares = [share(customers, "Contract", "Month-to-month") for customers in (many, half, moved)]
    assert shares == sorted(shares)
    assert numbers(many, "MonthlyCharges").mean() < numbers(half, "MonthlyCharges").mean()


def test_a_shift_leaves_who_people_are_alone(many: Customers, moved: Customers) -> None:
    for column in ("gender", "SeniorCitizen", "Partner", "Dependents"):
        assert many[column] == moved[column]


def test_who_has_not_been_charged_yet_has_not_left_even_where_all_others_leave() -> None:
    known = telco_parameters()
    all_leave = replace(known, churn=replace(known.churn, start=99.0))

    customers = sample_telco(20_000, seed=1, parameters=all_leave)

    new = [tenure == "0" for tenure in customers["tenure"]]
    assert any(new)
    assert [text == "No" for text in customers["Churn"]] == new


@pytest.mark.parametrize(
    ("rows", "seed", "shift", "message"),
    [
        (0, 1, 0.0, "at least 1 row, not 0"),
        (1, -1, 0.0, "seed .* not -1"),
        (1, 1, 1.5, "not 1.5"),
        (1, 1, -0.1, "-0.1"),
    ],
)
def test_an_argument_out_of_range_is_refused(rows: int, seed: int, shift: float, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sample_telco(rows, seed=seed, shift=shift)


def test_not_a_number_is_no_shift() -> None:
    with pytest.raises(UsageError, match="not nan"):
        sample_telco(1, seed=1, shift=float("nan"))
