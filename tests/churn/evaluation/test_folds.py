import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.errors import TableError
from churn.evaluation.folds import Fold, make_folds

SEEDS = st.integers(0, 2**32 - 1)


def half_left(rows: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(rows) < 0.4).astype(np.int8)


def flat(cut: list[list[Fold]]) -> list[Fold]:
    return [fold for repeat in cut for fold in repeat]


@given(st.integers(40, 300), st.integers(2, 6), st.integers(1, 3), SEEDS)
@settings(max_examples=40, deadline=None)
def test_every_customer_is_tested_once_per_repeat(rows: int, folds: int, repeats: int, seed: int) -> None:
    labels = half_left(rows, seed)

    cut = make_folds(labels, folds=folds, repeats=repeats, seed=seed)

    assert len(cut) == repeats
    for repeat in cut:
        assert len(repeat) == folds
        np.testing.assert_array_equal(np.sort(np.concatenate([tested for _, tested in repeat])), np.arange(rows))
        for trained, tested in repeat:
            assert len(np.intersect1d(trained, tested)) == 0
            assert len(trained) + len(tested) == rows
            assert abs(labels[tested].sum() - labels.sum() / folds) < 1


@given(st.integers(60, 300), st.integers(20, 60), st.integers(2, 4), SEEDS)
@settings(max_examples=40, deadline=None)
def test_a_group_is_never_on_both_sides(rows: int, households: int, folds: int, seed: int) -> None:
    labels = half_left(rows, seed)
    groups = np.random.default_rng(seed).integers(households, size=rows).astype(str).astype(object)

    cut = make_folds(labels, folds=folds, repeats=2, seed=seed, groups=groups)

    for repeat in cut:
        np.testing.assert_array_equal(np.sort(np.concatenate([tested for _, tested in repeat])), np.arange(rows))
        assert all(not set(groups[trained]) & set(groups[tested]) for trained, tested in repeat)


@given(st.integers(150, 400), st.integers(12, 400), st.integers(1, 4), SEEDS)
@settings(max_examples=40, deadline=None)
def test_a_test_is_never_older_than_its_training(rows: int, days: int, folds: int, seed: int) -> None:
    labels = half_left(rows, seed)
    times = np.datetime64("2024-01-01") + np.random.default_rng(seed).integers(days, size=rows)

    (repeat,) = make_folds(labels, folds=folds, repeats=3, seed=seed, times=times)

    assert len(repeat) == folds
    tested = np.concatenate([tested for _, tested in repeat])
    assert len(np.unique(tested)) == len(tested)
    assert set(tested) == set(np.flatnonzero(times >= times[tested].min()))
    assert all(times[trained].max() < times[tested].min() for trained, tested in repeat)


@given(st.integers(250, 500), st.integers(40, 500), st.integers(1, 3), SEEDS)
@settings(max_examples=40, deadline=None)
def test_with_groups_and_times_both_hold_and_two_repeats_test_everyone(
    rows: int, households: int, folds: int, seed: int
) -> None:
    labels, rng = half_left(rows, seed), np.random.default_rng(seed)
    groups, times = rng.integers(households, size=rows), rng.integers(50, size=rows)

    cut = make_folds(labels, folds=folds, repeats=2, seed=seed, groups=groups, times=times)

    for trained, tested in flat(cut):
        assert times[trained].max() < times[tested].min()
        assert not set(groups[trained]) & set(groups[tested])
    first_tested = min(times[tested].min() for _, tested in flat(cut))
    everyone = np.unique(np.concatenate([tested for _, tested in flat(cut)]))
    np.testing.assert_array_equal(everyone, np.flatnonzero(times >= first_tested))


def test_groups_that_do_not_come_back_are_all_used() -> None:
    labels, times = np.tile([0, 1], 60), np.repeat(np.arange(6), 20)

    cut = make_folds(labels, folds=3, groups=np.arange(120), times=times)

    for with_groups, alone in zip(cut[0], make_folds(labels, folds=3, times=times)[0], strict=True):
        for found, expected in zip(with_groups, alone, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_the_same_seed_cuts_alike_and_another_repeat_does_not() -> None:
    labels = half_left(200, 1)

    first, second = (make_folds(labels, folds=4, repeats=2, seed=7) for _ in range(2))

    for one, other in zip(flat(first), flat(second), strict=True):
        np.testing.assert_array_equal(one[1], other[1])
    assert not np.array_equal(first[0][0][1], first[1][0][1])


def test_too_few_leavers_for_the_folds_are_refused() -> None:
    labels = np.array([1] * 3 + [0] * 97)

    with pytest.raises(TableError, match="3 customers left, and 5 folds need at least 5: ask for fewer folds"):
        make_folds(labels, folds=5)


def test_leavers_of_too_few_groups_are_refused() -> None:
    labels = np.array([1] * 30 + [0] * 70)
    groups = np.concatenate([np.repeat([1, 2], 15), np.arange(100, 170)])

    with pytest.raises(TableError, match="2 groups with a customer who left, and 4 folds need at least 4"):
        make_folds(labels, folds=4, groups=groups)


def test_too_few_moments_for_the_folds_are_refused() -> None:
    with pytest.raises(TableError, match="3 distinct times fill 3 of the 6 periods"):
        make_folds(half_left(300, 0), folds=5, times=np.arange(300) % 3)


def test_a_period_in_which_nobody_left_is_refused() -> None:
    times = np.arange(300)
    labels = ((times % 2 == 0) & (times < 200)).astype(int)

    with pytest.raises(TableError, match="fold 2 of 2: its 100 test rows are not of both kinds"):
        make_folds(labels, folds=2, times=times)


def test_a_past_in_which_nobody_left_is_refused() -> None:
    times = np.arange(300)
    labels = ((times % 2 == 0) & (times >= 100)).astype(int)

    with pytest.raises(TableError, match="fold 1 of 2: its 100 training rows are not of both kinds"):
        make_folds(labels, folds=2, times=times)
