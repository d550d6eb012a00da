import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.scoring.draw import is_drawn, key_of

KEYS = st.binary(min_size=1, max_size=40)
SALTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
SHARES = st.floats(0, 1)


@given(KEYS, SHARES, SHARES, SALTS)
def test_a_larger_share_holds_the_smaller_one(key: bytes, one: float, other: float, salt: str) -> None:
    smaller, larger = sorted((one, other))

    assert is_drawn(key, larger, salt) or not is_drawn(key, smaller, salt)


@given(KEYS, SALTS)
def test_nobody_is_in_no_share_and_everybody_in_the_whole(key: bytes, salt: str) -> None:
    assert (is_drawn(key, 0.0, salt), is_drawn(key, 1.0, salt)) == (False, True)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("salt", ["", "one", "another"])
def test_the_share_is_what_was_asked_for_within_chance(share: float, salt: str) -> None:
    people = 20_000
    found = sum(is_drawn(f"customer-{number}".encode(), share, salt) for number in range(people))

    assert abs(found - people * share) < 5 * math.sqrt(people * share * (1 - share))


def test_another_salt_draws_others() -> None:
    keys = [f"customer-{number}".encode() for number in range(20_000)]
    both = sum(is_drawn(key, 0.1, "one") and is_drawn(key, 0.1, "two") for key in keys)

    assert abs(both - 200) < 5 * math.sqrt(200)


def test_the_draw_is_the_same_for_ever() -> None:
    """Somebody who comes again after an update of this program must not change sides."""
    drawn = [number for number in range(40) if is_drawn(f"customer-{number}".encode(), 0.25, "salt")]

    assert drawn == [4, 8, 19, 21, 26, 34, 37]


def test_a_customer_without_an_id_is_drawn_by_the_row_however_its_numbers_came() -> None:
    sent = key_of(None, [79.4, "DSL", math.nan])
    of_a_table = key_of(None, [float(np.float32(79.4)), "DSL", float(np.float32("nan"))])

    assert sent == of_a_table
    assert key_of(None, [79.5, "DSL", math.nan]) != sent
    assert key_of("C-1", [79.5]) == key_of("C-1", []) == b"C-1"
