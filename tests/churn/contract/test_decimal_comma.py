import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.contract.column import Column
from churn.contract.contract import Contract, Target
from churn.contract.table import check_table

CONTRACT = Contract(
    name="shop",
    target=Target(column="left", positive="ja"),
    columns={"fee": Column(type="number", decimal_comma=True), "plain": Column(type="number")},
)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False))
def test_a_number_written_the_european_way_is_read_as_that_number(value: object) -> None:
    text = f"{value:,.2f}".translate(str.maketrans(",.", ".,"))

    checked = check_table(CONTRACT, {"fee": [text], "plain": [str(value)]})

    assert checked.columns["fee"][0] == checked.columns["plain"][0]


@pytest.mark.parametrize("text", ["29.85", "1.23,4", "1,234.5", "1,2,3", "1.2345,6", "inf", ",5"])
def test_what_is_not_written_that_way_is_set_aside(text: str) -> None:
    checked = check_table(CONTRACT, {"fee": [text], "plain": ["1"]})

    assert checked.rejected[0].reasons == ("fee: not a number",)


def test_numbers_of_a_typed_file_are_read_as_they_are() -> None:
    checked = check_table(CONTRACT, {"fee": [29.85, 7, None], "plain": [1, 1, 1]})

    assert checked.accepted.tolist() == [1, 2, 3]
    assert checked.columns["fee"][:2].tolist() == [np.float32(29.85), 7]
    assert np.isnan(checked.columns["fee"][2])


def test_only_numbers_have_decimals() -> None:
    with pytest.raises(ValueError, match="remove `decimal_comma`"):
        Column(type="boolean", decimal_comma=True)
