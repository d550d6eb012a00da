import pytest

from churn.data.simulation.shifts import Shift
from churn.errors import UsageError


@pytest.mark.parametrize(
    ("text", "shift"),
    [
        ("price:1.1", Shift(kind="price", amount=1.1)),
        ("price:1.3@4", Shift(kind="price", amount=1.3, month=4)),
        ("base:-0.5@2-5", Shift(kind="base", amount=-0.5, month=2, full_month=5)),
        ("scale:tenure:2", Shift(kind="scale", amount=2, column="tenure")),
        ("missing:TotalCharges@3", Shift(kind="missing", amount=1, column="TotalCharges", month=3)),
        ("missing:TotalCharges:0.4", Shift(kind="missing", amount=0.4, column="TotalCharges")),
        ("new:A column=A: value:0.2", Shift(kind="new", amount=0.2, column="A column", value="A: value")),
        ("concept:Contract:-1@4", Shift(kind="concept", amount=-1, column="Contract", month=4)),
    ],
)
def test_a_shift_is_read_as_it_is_written(text: str, shift: Shift) -> None:
    assert Shift.parse(text) == shift


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no shift"),
        ("dearer:1.1", "is no shift"),
        ("price", "names no amount"),
        ("price:much", "names no amount"),
        ("price:nan", "finite"),
        ("price:-1", "factor from 0"),
        ("price:1.1@0", "month from 1"),
        ("price:1.1@5-4", "month from 1"),
        ("scale:2", "names no amount|needs a column"),
        ("share:Contract:2", "needs a value"),
        ("missing:Contract=x:1", "takes no value"),
        ("new:Contract=x:1.5", "share from 0 to 1"),
    ],
)
def test_what_is_no_shift_is_refused_with_how_to_write_one(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as told:
        Shift.parse(text)
    assert "write price:1.1" in str(told.value)


def test_a_gradual_shift_grows_in_equal_steps() -> None:
    shift = Shift.parse("price:2@2-4")
    assert [shift.progress(month) for month in range(1, 6)] == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])
    assert shift.factor(1) == 1
    assert shift.factor(9) == 2
