import math
import string

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from churn.contract.cells import Distinct, plain_number, plain_numbers, readable_texts, text_of
from churn.contract.texts import MISSING_MARKS, is_readable

MARKS = frozenset(MISSING_MARKS)
numbers = st.floats().map(str) | st.integers().map(str)
texts = numbers | st.text(string.digits + " .,-_+eEnaif\x1c\xa0٣", max_size=6) | st.sampled_from(MISSING_MARKS)
cells = st.one_of(texts, st.floats(), st.integers(-(10**30), 10**30), st.none())


def slowly(cell: object, marks: frozenset[str]) -> float:
    """One cell as `check_column` reads it; raises ValueError."""
    text = text_of(cell)
    return math.nan if text in marks or not text else plain_number(text)


@given(
    sent=st.lists(texts, max_size=8) | st.lists(cells, max_size=8), marks=st.sampled_from([MARKS, MARKS | {"-1", "0"}])
)
@example(sent=["1_0"], marks=MARKS)
@example(sent=["-1", "2"], marks=MARKS | {"-1"})
@example(sent=[" -1 ", "2"], marks=MARKS | {"-1"})
@example(sent=["nan", "1"], marks=frozenset({"?"}))
@example(sent=[10**400], marks=MARKS)
def test_numbers_read_at_once_are_those_read_one_by_one(sent: list[object], marks: frozenset[str]) -> None:
    found = plain_numbers(sent, marks)

    if found is not None:
        assert np.array_equal(found, np.array([slowly(cell, marks) for cell in sent]), equal_nan=True)


@given(sent=st.lists(st.text(max_size=5), min_size=1, max_size=5))
def test_texts_read_at_once_are_readable(sent: list[str]) -> None:
    found = readable_texts(sent)

    if found is not None:
        assert found == [text.strip() for text in sent]
        assert all(map(is_readable, found))


def test_plain_columns_need_no_closer_look() -> None:
    assert plain_numbers(["1", " 2.5", "", "NA", "1e3"], MARKS) is not None
    assert plain_numbers([1, 2.5, None], MARKS) is not None
    assert readable_texts(["A-1", " B "]) == ["A-1", "B"]


@pytest.mark.parametrize("sent", [["a", ""], ["a\n"], ["x" * 256], [1], ["a", None], []])
def test_other_texts_get_a_closer_look(sent: list[object]) -> None:
    assert readable_texts(sent) is None


def test_what_is_found_for_distinct_cells_is_spread_over_all() -> None:
    found = Distinct(["b", "a", "b", None])

    assert list(found) == ["b", "a", None]
    assert found.spread([1.0, 2.0, 3.0], np.float64).tolist() == [1, 2, 1, 3]
    assert found.flags([False, True, False]).tolist() == [False, True, False, False]
    assert not found.flags([False] * 3).any()


@pytest.mark.parametrize("cells", [[1, True, 1.0], [True, 1], [[1], "a"], [0, False, None]])
def test_cells_that_only_look_equal_are_told_apart(cells: list[object]) -> None:
    assert list(Distinct(cells)) == list(dict.fromkeys(map(text_of, cells)))
