"""What is remembered, with a clock that the test turns."""

import threading

import pytest

from churn.errors import StoreError
from monitoring.exporter.remembered import LEAST_SECONDS, TOO_OLD_AFTER, Remembered

SOON = 60.0


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Sums:
    """Something slow: it counts how often it was computed, and may be held up."""

    def __init__(self) -> None:
        self.times = 0
        self.problem = ""
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.has_ended = threading.Condition()

    def __call__(self) -> int:
        assert self.may_go_on.wait(SOON)
        with self.has_ended:
            self.times += 1
            self.has_ended.notify_all()
        if self.problem:
            raise StoreError(self.problem)
        return self.times

    def await_times(self, times: int) -> None:
        with self.has_ended:
            assert self.has_ended.wait_for(lambda: self.times >= times, SOON)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sums() -> Sums:
    return Sums()


def test_within_a_minute_it_is_computed_once(clock: Clock, sums: Sums) -> None:
    remembered = Remembered(sums, clock=clock, patience_seconds=SOON)

    assert [remembered.get() for _ in range(5)] == [1] * 5
    assert sums.times == 1


def test_after_a_minute_the_old_value_is_shown_until_the_new_one_is_there(clock: Clock, sums: Sums) -> None:
    remembered = Remembered(sums, clock=clock, patience_seconds=SOON)
    remembered.get()
    clock.now += LEAST_SECONDS
    sums.may_go_on.clear()

    assert [remembered.get() for _ in range(3)] == [1, 1, 1]

    sums.may_go_on.set()
    sums.await_times(2)
    clock.now += LEAST_SECONDS * TOO_OLD_AFTER  # nobody is shown the first any more
    assert remembered.get() in (2, 3)
    assert sums.times <= 3


def test_a_value_that_nobody_asked_for_long_is_too_old_to_be_shown(clock: Clock, sums: Sums) -> None:
    remembered = Remembered(sums, clock=clock, patience_seconds=SOON)
    remembered.get()

    clock.now += LEAST_SECONDS * TOO_OLD_AFTER

    assert remembered.get() == 2


def test_a_scrape_does_not_wait_for_ever(clock: Clock, sums: Sums) -> None:
    sums.may_go_on.clear()
    remembered = Remembered(sums, clock=clock, patience_seconds=0.01)

    assert remembered.get() is None

    sums.may_go_on.set()


def test_what_takes_long_is_computed_less_often(clock: Clock, sums: Sums) -> None:
    def slowly() -> int:
        clock.now += 10.0
        return sums()

    remembered = Remembered(slowly, clock=clock, patience_seconds=SOON)
    remembered.get()

    clock.now += 199.0

    assert remembered.get() == 1
    assert sums.times == 1


def test_what_could_not_be_computed_anew_is_not_shown_any_longer(clock: Clock, sums: Sums) -> None:
    remembered = Remembered(sums, clock=clock, patience_seconds=SOON)
    remembered.get()
    clock.now += LEAST_SECONDS * TOO_OLD_AFTER
    sums.problem = "the database is away"

    for _ in range(2):
        with pytest.raises(StoreError, match="the database is away"):
            remembered.get()

    sums.problem = ""
    assert remembered.get() == 4
