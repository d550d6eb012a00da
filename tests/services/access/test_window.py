import bisect

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.window import MOST_SUBJECTS, STEP_SECONDS, Window

MINUTE = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 12_345.678

    def __call__(self) -> float:
        return self.now


def most_in_a_minute(moments: list[float]) -> int:
    """The most that any sliding minute, wherever it begins, holds."""
    return max((bisect.bisect_left(moments, moment + MINUTE) - at for at, moment in enumerate(moments)), default=0)


def let_through(pauses: list[float], limit: int) -> list[float]:
    clock, found = Clock(), []
    window = Window(clock)
    for pause in pauses:
        clock.now += pause
        if window.take("ann", limit) == 0:
            found.append(clock.now)
    return found


@hypothesis.settings(max_examples=200, deadline=None)
@given(pauses=st.lists(st.sampled_from([0.0, 0.001, 0.5, 1.9, 2.0, 7.0, 29.0, 58.0, 59.999, 61.0]), max_size=200))
def test_no_sliding_minute_holds_more_than_the_limit(pauses: list[float]) -> None:
    assert most_in_a_minute(let_through(pauses, 10)) <= 10


@pytest.mark.parametrize(("requests", "seed"), [(5000, 1), (5000, 2), (100_000, 3)])
def test_in_bursts_and_pauses_no_sliding_minute_holds_more_than_the_limit(requests: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    bursts = random.exponential(0.01, requests) + (random.random(requests) < 0.01) * random.uniform(0, 70, requests)

    found = let_through(bursts.tolist(), 100)

    assert most_in_a_minute(found) == 100
    assert len(found) > 500


def test_a_burst_at_a_windows_edge_does_not_double_the_limit() -> None:
    found = let_through([0.0] * 100 + [59.9] + [0.0] * 100 + [STEP_SECONDS + 0.2] + [0.0] * 100, 100)

    assert most_in_a_minute(found) == 100
    assert len(found) == 200


def test_a_client_that_stays_within_its_limit_is_hardly_ever_refused() -> None:
    found = let_through([1.0] * 600, 60)

    assert len(found) >= 600 * 0.96


def test_whoever_waits_as_long_as_told_is_let_through() -> None:
    clock = Clock()
    window = Window(clock)
    for _ in range(50):
        wait = window.take("ann", 5)
        assert 0 <= wait <= MINUTE + 2 * STEP_SECONDS
        clock.now += wait
        if wait:
            assert window.take("ann", 5) == 0


def test_who_hammers_gets_what_everybody_gets() -> None:
    """What is refused does not count, so a client that retries at once is not locked out for ever."""
    found = let_through([0.01] * 60_000, 60)

    assert 60 * 9 <= len(found) <= 60 * 11


def test_subjects_do_not_share_a_limit() -> None:
    window = Window(Clock())

    assert [window.take(name, 1) == 0 for name in ("ann", "bob", "ann", "bob")] == [True, True, False, False]


def test_a_request_that_is_given_back_does_not_count() -> None:
    window = Window(Clock())

    window.take("ann", 1)
    window.give_back("ann")
    window.give_back("ann")

    assert [window.take("ann", 1) == 0 for _ in range(2)] == [True, False]


def test_memory_is_bounded_and_whoever_asks_often_stays_counted() -> None:
    window = Window(Clock())
    assert window.take("ann", 2) == 0

    for number in range(3 * MOST_SUBJECTS):
        window.take(f"other-{number}", 2)
        if number == MOST_SUBJECTS // 2:
            assert window.take("ann", 2) == 0
        if number % 100 == 0 and number > MOST_SUBJECTS // 2:
            assert window.take("ann", 2) > 0

    assert len(window._counts) <= MOST_SUBJECTS
