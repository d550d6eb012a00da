from collections import Counter

import numpy as np
import pytest

from churn.contract.contract import Contract
from churn.contract.reading import parse_contract
from churn.contract.table import check_table
from churn.data.quality import Quality, assess

CONTRACT = """
name: shop
target: {column: left, positive: "1"}
columns:
  price: {type: number}
  months: {type: integer}
  total: {type: number}
  loyal: {type: boolean}
  tier: {type: category, categories: [a], accept_unknown: true}
relations: {adds up: {total: total, factors: [price, months], tolerance_ratio: 0.2}}
"""


@pytest.fixture
def shop() -> Contract:
    return parse_contract(CONTRACT, "here")


def assessed(contract: Contract, raw: dict[str, list[object]]) -> Quality:
    checked = check_table(contract, raw)
    labels = np.zeros(len(checked.accepted), np.int8)
    return assess(contract, checked, labels, reasons=Counter(), unused=())


def test_values_far_from_the_quartiles_are_outliers_and_flags_never_are(shop: Contract) -> None:
    found = assessed(shop, {"price": [*range(20), 1000], "loyal": [1] + [0] * 20})

    columns = {one.name: one for one in found.columns}
    assert columns["price"].outliers == 1
    assert (columns["price"].smallest, columns["price"].median, columns["price"].largest) == (0, 10, 1000)
    assert columns["loyal"].outliers == 0


def test_a_relation_within_its_tolerance_is_not_broken(shop: Contract) -> None:
    raw = {"price": [10, 10, 10, None, 0], "months": [5, 5, 5, 5, 0], "total": [50, 58, 90, 1, 0]}

    assert assessed(shop, dict(raw)).broken_relations == {"adds up": 1}


def test_rows_that_repeat_are_counted(shop: Contract) -> None:
    assert assessed(shop, {"price": [1, 1, 2, 1], "tier": ["a", "a", "a", "b"]}).repeated_rows == 1


def test_an_empty_table_and_huge_numbers_can_be_assessed(shop: Contract) -> None:
    assert assessed(shop, {"price": []}).rows == 0
    assert assessed(shop, {"price": [1e30, -1e30], "months": [1e30, 1], "total": [1e30, 0]}).rows == 2


def test_the_report_is_a_table_of_every_column(shop: Contract) -> None:
    report = assessed(shop, {"price": [1, None], "tier": ["a", "z"]}).as_markdown()

    assert "2 rows: 2 accepted, 0 set aside." in report
    assert "| price | 1 | 0 | 0 | 1 | 1 | 1 |" in report
    assert "| tier | 0 | 1 | 0 |  |  |  |" in report
