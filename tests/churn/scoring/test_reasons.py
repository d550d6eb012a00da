import numpy as np
import pytest

from churn.contract.contract import Contract
from churn.contract.phrases import spoken
from churn.contract.reading import parse_contract
from churn.scoring.reasons import Reason, ReasonWriter

SHOP = """
name: shop
target: {column: gone, positive: "1"}
columns:
  MonthsAsMember: {type: integer, unit: months}
  spend: {type: number, unit: EUR/month}
  member_card: {type: boolean}
  over65: {type: boolean, description: 65 years or older}
  Plan: {type: category, categories: [basic, pro]}
  visits_2024: {type: number}
"""
ROW = {"MonthsAsMember": 2.0, "spend": np.float32(1079.4), "member_card": 0.0, "over65": 1.0, "Plan": "pro"}


@pytest.fixture(scope="module")
def shop() -> Contract:
    return parse_contract(SHOP, "shop")


def words(shop: Contract, **cells: float | str) -> list[str]:
    """The words for each cell, as the only reason."""
    row = {**ROW, "visits_2024": 3.0, **cells}
    writer, columns = ReasonWriter(shop), list(shop.columns)
    amounts = {name: np.array([0.5 if each == name else 0.0 for each in columns]) for name in cells}
    return [reason.words for name in cells for reason in writer.top(row, amounts[name])]


@pytest.mark.parametrize(
    ("name", "cell", "expected"),
    [
        ("MonthsAsMember", 2.0, "months as member is 2 months"),
        ("MonthsAsMember", 1.0, "months as member is 1 month"),
        ("MonthsAsMember", float("nan"), "months as member is not known"),
        ("spend", np.float32(1079.4), "spend is 1,079.4 EUR per month"),
        ("spend", 0.1, "spend is 0.1 EUR per month"),
        ("member_card", 0.0, "member card: no"),
        ("over65", 1.0, "65 years or older: yes"),
        ("over65", np.float32("nan"), "65 years or older: not known"),
        ("Plan", "pro", "plan is pro"),
        ("Plan", "", "plan is not known"),
        ("visits_2024", 7.0, "visits 2024 is 7"),
    ],
)
def test_a_reason_reads_as_people_speak(shop: Contract, name: str, cell: float | str, expected: str) -> None:
    assert words(shop, **{name: cell}) == [f"{expected}, which raises the risk"]


def test_the_three_strongest_are_told_whatever_their_sign(shop: Contract) -> None:
    row = {**ROW, "visits_2024": 3.0}

    found = ReasonWriter(shop).top(row, np.array([0.2, -0.9, 0.0, 0.1, 0.3, 0.05]))

    assert [(one.column, one.effect) for one in found] == [
        ("spend", "lowers"),
        ("Plan", "raises"),
        ("MonthsAsMember", "raises"),
    ]
    assert found[0] == Reason("spend", 1079.4, "lowers", -0.9, "spend is 1,079.4 EUR per month, which lowers the risk")


def test_what_hardly_matters_is_no_reason(shop: Contract) -> None:
    row = {**ROW, "visits_2024": 3.0}

    assert ReasonWriter(shop).top(row, np.array([0.009, -0.009, 0.0, 0.0, 0.0, 0.0])) == ()


def test_values_are_those_that_a_client_would_send(shop: Contract) -> None:
    row = {**ROW, "visits_2024": float("nan")}

    found = ReasonWriter(shop).top(row, np.array([0.0, 0.0, 0.3, 0.0, 0.0, 0.2]))

    assert [one.value for one in found] == [False, None]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MonthlyCharges", "monthly charges"), ("StreamingTV", "streaming TV"), ("SeniorCitizen", "senior citizen"),
        ("charges_per_month", "charges per month"), ("tenure", "tenure"), ("CLTV", "CLTV"), ("größe_cm", "größe cm"),
        ("Spend per month (€)", "spend per month (€)"), ("$$", "$$"), ("TVCharges", "TV charges"),
        ("顧客", "顧客"), ("  ", "  "),
    ],
)  # fmt: skip
def test_a_columns_name_is_spoken(name: str, expected: str) -> None:
    assert spoken(name) == expected
