from dataclasses import replace
from math import inf

import numpy as np
import pytest

from churn.metric_page import Page, read_page
from churn.metrics import SCORING_BUCKETS
from pipelines.watching.diary import Diary
from pipelines.watching.evidence import is_beyond, is_worse, slow_bound
from pipelines.watching.parameters import WatchParameters
from pipelines.watching.rules import objections
from tests.pipelines.watching.pages import USUAL, Shown, watched

BOUNDS = WatchParameters()
QUICK, LATE = [0.0008] * 20, [0.03] * 20


def growing(*steps: Shown) -> list[Shown]:
    return list(steps)


def looks_of(step: list[float], times: int, *, failed: int = 0, **statuses: int) -> list[Shown]:
    found = [USUAL]
    for _ in range(times):
        found.append(found[-1].after(2, step, failed=failed, **statuses))
    return found[1:]


def test_a_version_as_good_as_the_one_before_is_let_be() -> None:
    assert objections(watched(USUAL, looks_of(QUICK, 30)), BOUNDS) == ()


def test_a_version_that_fails_is_called_off_and_it_is_said_how_often() -> None:
    (one, other) = objections(watched(USUAL, looks_of(QUICK, 1, failed=8)), BOUNDS)

    assert one == "8 of 28 of its customers could not be scored, more than 1.0%; 0 of 500 before"
    assert other.startswith("8 of 28 of the doors' answers were failures")


def test_one_failure_is_no_evidence() -> None:
    assert objections(watched(USUAL, looks_of(QUICK, 1, failed=1)), BOUNDS) == ()


def test_doors_that_failed_as_much_before_are_not_laid_at_the_version_s_door() -> None:
    sick = USUAL.after(1, [], s500=300)
    looks = [sick.after(2, [0.0008] * 100, s200=100, s500=60)]

    assert objections(watched(sick, looks), BOUNDS) == ()
    assert objections(watched(USUAL, [USUAL.after(2, [0.0008] * 100, s200=100, s500=60)]), BOUNDS) != ()


def test_an_answer_of_no_room_is_no_failure_of_the_version() -> None:
    assert objections(watched(USUAL, looks_of(QUICK, 5, s200=20, s503=20)), BOUNDS) == ()


def test_a_version_that_refuses_its_customers_is_called_off() -> None:
    (reason,) = objections(watched(USUAL, looks_of(QUICK, 1, s200=20, s422=30)), BOUNDS)

    assert "30 of 50 of the customers were refused (422)" in reason


def test_a_version_whose_slowest_tenth_is_much_slower_is_called_off() -> None:
    (reason,) = objections(watched(USUAL, looks_of(LATE, 9)), BOUNDS)

    assert reason.startswith("scoring took more than 5 ms for 180 of 180")


def test_a_busy_moment_is_no_slow_version() -> None:
    looks = [*looks_of(LATE, 2)]
    looks += [looks[-1].after(2, QUICK), looks[-1].after(2, QUICK * 2)]

    assert objections(watched(USUAL, looks), BOUNDS) == ()


def test_twice_as_slow_as_next_to_nothing_is_not_slow() -> None:
    assert objections(watched(USUAL, looks_of([0.0045] * 20, 20)), BOUNDS) == ()


def answered(bounds: dict[str, int]) -> Page:
    name = 'churn_http_request_duration_seconds_bucket{door="fastapi",route="/predict",le="%s"} %d'
    return read_page("\n".join(name % each for each in bounds.items()) + "\n")


def slower_answers(rival: int | None) -> Diary:
    diary = Diary(2, rival)
    diary.begin({"door": answered({"0.005": 500, "0.025": 500, "+Inf": 500})})
    for look in range(1, 10):
        diary.note({"door": answered({"0.005": 500, "0.025": 500, "+Inf": 500 + 20 * look})})
    return diary


def test_doors_that_count_no_version_s_seconds_are_judged_by_how_long_they_took_to_answer() -> None:
    assert objections(slower_answers(1), BOUNDS)[0].startswith("answering took more than 25 ms for 180 of 180")


def test_a_first_version_is_not_held_against_how_soon_doors_said_that_they_had_none() -> None:
    assert objections(slower_answers(None), BOUNDS) == ()


def test_a_version_that_no_door_takes_is_called_off_when_its_time_is_up() -> None:
    assert objections(watched(USUAL, [USUAL] * 14), BOUNDS) == ()
    assert objections(watched(USUAL, [USUAL] * 15), BOUNDS) == ("no door served it within 15 s",)


def test_a_bundle_that_a_door_refused_calls_the_version_off() -> None:
    refusing = replace(USUAL, quarantined=1)
    diary = watched(USUAL, [USUAL.after(2, QUICK)])
    for second in range(1, 16):
        diary.clock.now = second  # type: ignore[attr-defined]
        diary.note({"door": USUAL.after(2, QUICK).page(), "other": refusing.page()})

    assert objections(diary, BOUNDS) == ("other refused its bundle",)


def test_doors_that_go_silent_with_the_version_call_it_off_and_doors_that_never_answered_do_not() -> None:
    assert objections(watched(USUAL, [*looks_of(QUICK, 2), *[None] * 10]), BOUNDS) == (
        "no door has answered for 10 s, since they served it",
    )
    assert objections(watched(None, [None] * 60), BOUNDS) == ()


def test_doors_that_hang_call_the_version_off_and_doors_that_nobody_asks_do_not() -> None:
    served = USUAL.after(2, QUICK)

    assert objections(watched(USUAL, [replace(served, in_hand=9)] * 12), BOUNDS)[0].startswith("requests wait")
    assert objections(watched(USUAL, [served] * 60), BOUNDS) == ()


def test_a_door_that_began_anew_counts_from_nothing() -> None:
    fresh = Shown(serves=2).after(2, QUICK)

    diary = watched(USUAL, [*looks_of(QUICK, 3), fresh])

    assert diary.now.predictions == 20
    assert objections(diary, BOUNDS) == ()


def test_a_canary_is_held_against_what_production_does_at_the_same_time() -> None:
    """Before, the machine was quick; now it is slow for both: the canary is no slower."""
    looks, shown = [], replace(USUAL, canary_share=0.1)
    for _ in range(10):
        shown = shown.after(1, [0.02] * 40).after(2, [0.02] * 20)
        looks.append(replace(shown, serves=1))

    assert objections(watched(USUAL, looks, is_beside=True), BOUNDS) == ()
    assert objections(watched(USUAL, looks), BOUNDS) != ()


@pytest.mark.parametrize(("bad", "asked"), [(0, 0), (0, 10), (1, 100)])
def test_what_chance_does_often_is_not_beyond(bad: int, asked: int) -> None:
    assert not is_beyond(bad, asked, 0.01, chance=0.01)


def test_an_equal_share_is_called_worse_as_seldom_as_was_said() -> None:
    rng = np.random.default_rng(3)
    bad, before = rng.binomial(200, 0.2, 2000), rng.binomial(500, 0.2, 2000)

    wrong = [is_worse(one, 200, before=(other, 500), chance=0.05) for one, other in zip(bad, before, strict=True)]

    assert np.mean(wrong) < 0.06


def test_nothing_before_leaves_only_the_bound() -> None:
    assert is_worse(5, 10, before=(0, 0), chance=1e-9)


def test_a_bound_for_slowness_needs_enough_before_and_room_in_the_histogram() -> None:
    assert slow_bound({0.01: 40, inf: 40}, ratio=3, floor=0) is None
    assert slow_bound({0.01: 90, 0.05: 99, inf: 100}, ratio=3, floor=0) == 0.05
    assert slow_bound({0.01: 90, 0.02: 99, inf: 100}, ratio=3, floor=0) is None


def test_a_version_seven_times_as_slow_is_never_within_the_bound() -> None:
    bounds = (*SCORING_BUCKETS, inf)

    for usual in np.geomspace(1e-4, 0.03, 500):
        before = {bound: 100.0 * (usual <= bound) for bound in bounds}
        bound = slow_bound(before, ratio=BOUNDS.max_slow_ratio, floor=BOUNDS.slow_seconds)
        assert bound is not None
        assert bound < max(7 * usual, 1.5 * BOUNDS.slow_seconds)
