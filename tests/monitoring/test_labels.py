"""Labels of numbers and categories."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from monitoring.labels import MISSING, RARE, UNKNOWN, category_labels, frequent, inert, number_edges, number_labels

NUMBERS = arrays.arrays(np.float32, st.integers(0, 60), elements=st.floats(width=32))


@given(reference=NUMBERS, live=NUMBERS, bins=st.integers(2, 12))
def test_any_two_columns_of_numbers_get_labels(reference: np.ndarray, live: np.ndarray, bins: int) -> None:
    edges = number_edges(reference, bins)

    labels = number_labels(live, edges)

    assert len(edges) <= 3 * bins
    assert (labels == MISSING).tolist() == np.isnan(live).tolist()
    finite = live[np.isfinite(live)]
    order = np.argsort(finite)
    assert sorted(number_labels(finite, edges)) == number_labels(finite, edges)[order].tolist()


def test_bins_are_about_equally_full() -> None:
    values = np.random.default_rng(0).lognormal(size=10_000)

    _, counts = np.unique(number_labels(values, number_edges(values, 10)), return_counts=True)

    assert counts == pytest.approx([1000] * 10, abs=2)


def test_a_value_that_fills_a_bin_alone_is_told_from_its_neighbours() -> None:
    tail = np.random.default_rng(0).uniform(1, 9, 100)
    values = np.concatenate([np.zeros(900), tail])

    labels = number_labels(values, number_edges(values, 10))

    assert len(set(labels[:900])) == 1
    assert set(labels[:900]).isdisjoint(labels[900:])


def test_a_rare_boolean_keeps_its_two_values() -> None:
    values = np.array([0.0] * 99 + [1.0])

    assert len(set(number_labels(values, number_edges(values, 10)))) == 2


def test_a_category_keeps_its_name_is_rare_unknown_or_missing() -> None:
    values = np.array(["a", "b", "c", ""], dtype=object)

    labels = category_labels(values, known=["a", "b"], shown=["a"])

    assert labels.tolist() == ["a", RARE, UNKNOWN, MISSING]


def test_the_commonest_texts_come_first_and_missing_or_seldom_ones_are_not_among_them() -> None:
    values = np.array([*["b"] * 6, *[""] * 9, *["a"] * 5, *["c"] * 4], dtype=object)

    assert frequent(values) == ("b", "a")


@given(st.text())
def test_no_text_is_markup_and_none_of_its_letters_is_lost(text: str) -> None:
    safe = inert(text)

    assert not set(safe) & set("<>&\x00\n")
    assert len(safe) == len(text)
    assert inert("<1 year") != inert("1 year")
