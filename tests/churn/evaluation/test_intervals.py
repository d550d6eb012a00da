"""Intervals are held against worlds whose truth is known: how often is it inside?"""

import time

import numpy as np
import pytest
from scipy.special import expit, logit

from churn.evaluation.intervals import Estimate, estimate
from churn.evaluation.metrics import MEASURES, decision_metrics, measure
from churn.evaluation.resampling import draw_customers
from tests.churn.evaluation.simulation import World

THRESHOLD = 0.4


def truth_of(world: World) -> dict[str, float]:
    target, scores = world.draw(400_000, seed=0)
    found = {**measure(target, scores), **decision_metrics(target, scores, THRESHOLD)}
    return {**found, "calibration_error": 0.0} if world.stretch == 1 and not world.noise else found


def coverage(world: World, *, rows: int, runs: int, resamples: int) -> dict[str, float]:
    truth = truth_of(world)
    held = dict.fromkeys(truth, 0)
    for seed in range(1, runs + 1):
        target, scores = world.draw(rows, seed)
        for name, found in estimate(target, scores, threshold=THRESHOLD, resamples=resamples, seed=seed).items():
            held[name] += found.low <= truth[name] <= found.high
    return {name: count / runs for name, count in held.items()}


def test_the_intervals_hold_the_truth_most_of_the_time() -> None:
    """A quick look: of 60 runs at least 52, which nineteen in twenty fall below once in 300 times."""
    found = coverage(World(), rows=400, runs=60, resamples=150)

    assert min(found.values()) >= 52 / 60, found


WORLDS = (World(0.26), World(0.10), World(0.26, stretch=1.5), World(0.10, stretch=1.5))


@pytest.mark.slow
@pytest.mark.parametrize(("world", "rows"), [*((world, 300) for world in WORLDS), (WORLDS[-1], 1000)])
def test_the_intervals_hold_the_truth_nineteen_times_in_twenty(world: World, rows: int) -> None:
    """Chance alone moves 300 runs by ±2.5 %. The other worlds of 1,000 rows take minutes and said the same."""
    found = coverage(world, rows=rows, runs=300, resamples=500)

    print(world, rows, {name: round(100 * share, 1) for name, share in found.items()})  # noqa: T201  the table
    assert min(found.values()) >= 0.91, found


def test_customers_are_drawn_with_all_their_rows() -> None:
    groups = np.repeat(np.arange(50), 4).astype(str)

    drawn = np.concatenate(list(draw_customers(200, groups=groups, resamples=30)))

    assert drawn.shape == (30, 200)
    assert (drawn.reshape(30, 50, 4) == drawn.reshape(30, 50, 4)[:, :, :1]).all()
    assert (drawn.reshape(30, 50, 4)[:, :, 0].sum(axis=1) == 50).all()


def test_rows_that_repeat_a_customer_make_no_interval_narrower() -> None:
    target, scores = World().draw(300, seed=1)
    four = np.repeat(np.arange(300), 4)

    once, grouped = estimate(target, scores), estimate(target[four], scores[four], groups=four)
    fooled = estimate(target[four], scores[four])

    for name in ("roc_auc", "brier", "pr_auc"):
        assert grouped[name].high - grouped[name].low == pytest.approx(once[name].high - once[name].low, rel=0.15)
        assert fooled[name].high - fooled[name].low < 0.6 * (once[name].high - once[name].low)


def test_repeats_of_the_same_customers_are_no_more_customers() -> None:
    target, scores = World().draw(500, seed=2)
    repeats = np.stack([expit(logit(scores) + np.random.default_rng(one).normal(0, 0.1, 500)) for one in range(4)])

    once, four = estimate(target, repeats[0]), estimate(target, repeats)

    assert four["roc_auc"].value == pytest.approx(np.mean([MEASURES["roc_auc"](target, one) for one in repeats]))
    assert four["roc_auc"].high - four["roc_auc"].low == pytest.approx(
        once["roc_auc"].high - once["roc_auc"].low, rel=0.1
    )


def test_rows_never_tested_do_not_count() -> None:
    target, scores = World().draw(600, seed=3)
    is_first = np.arange(600) < 200

    found = estimate(target, np.where(is_first, np.nan, scores), threshold=THRESHOLD)

    expected = {**measure(target[200:], scores[200:]), **decision_metrics(target[200:], scores[200:], THRESHOLD)}
    assert {name: one.value for name, one in found.items()} == pytest.approx(expected)


def test_noise_alone_is_no_calibration_error_and_a_stretched_model_has_one() -> None:
    right, wrong = (estimate(*World(stretch=stretch).draw(3000, seed=4)) for stretch in (1.0, 1.8))

    assert right["calibration_error"].low == 0
    assert wrong["calibration_error"].low > 0.04


def test_every_interval_holds_its_value_even_of_few_customers() -> None:
    """Four leavers of twenty: some samples hold none at all."""
    target, probability = np.array([1] * 4 + [0] * 16), np.linspace(0.9, 0.1, 20)

    found = estimate(target, probability, threshold=0.95)

    for name, one in found.items():
        assert one.low <= one.value <= one.high, name


def test_the_same_seed_gives_the_same_intervals() -> None:
    target, scores = World().draw(200, seed=3)

    assert estimate(target, scores, seed=4, resamples=50) == estimate(target, scores, seed=4, resamples=50)
    assert estimate(target, scores, seed=5, resamples=50) != estimate(target, scores, seed=4, resamples=50)


def test_an_estimate_reads_as_a_value_with_its_interval() -> None:
    assert str(Estimate(0.85, 0.84, 0.861)) == "0.8500 (0.8400 – 0.8610)"


@pytest.mark.slow
def test_a_thousand_draws_take_a_fifth_of_the_time_of_measuring_each_draw_by_itself() -> None:
    """Of a processor: others may be busy with theirs."""
    target, scores = World().draw(7000, seed=0)
    generator = np.random.default_rng(0)
    start = time.process_time()
    estimate(target, scores, threshold=THRESHOLD, resamples=1000)
    ours = time.process_time() - start

    start = time.process_time()
    for _ in range(20):
        drawn = generator.integers(0, 7000, 7000)
        measure(target[drawn], scores[drawn])
    one_by_one = (time.process_time() - start) * 50

    assert ours < one_by_one / 5
