import threading

import pytest

from churn.client.allowance import MOST_SAVED, Allowance
from churn.client.doors import LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS, Door, Doors


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def ejected(clock: Clock) -> Door:
    door = Door("http://a", clock)
    for _ in range(3):
        door.fail()
    return door


def test_two_failures_eject_nobody_and_an_answer_forgives_them(clock: Clock) -> None:
    door = Door("http://a", clock)
    for _ in range(5):
        door.fail()
        door.fail()
        assert door.admits()
        door.succeed()


def test_three_failures_in_a_row_eject_a_door_for_a_while(clock: Clock) -> None:
    door = ejected(clock)

    assert not door.admits()
    clock.now += SHORTEST_PAUSE_SECONDS * 0.7
    assert not door.admits()
    clock.now += SHORTEST_PAUSE_SECONDS * 0.6
    assert door.admits()


def test_of_sixteen_threads_one_probes_a_door_whose_pause_is_over(clock: Clock) -> None:
    door = ejected(clock)
    clock.now += 2 * SHORTEST_PAUSE_SECONDS
    barrier, admitted = threading.Barrier(16), []

    def ask() -> None:
        barrier.wait()
        admitted.append(door.admits())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(admitted) == [False] * 15 + [True]


def test_each_probe_that_fails_doubles_the_pause_up_to_a_minute(clock: Clock) -> None:
    door = ejected(clock)
    for pause in (10.0, 20.0, 40.0, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS):
        clock.now += 2 * LONGEST_PAUSE_SECONDS
        assert door.admits()
        door.fail()
        clock.now += pause * 0.79
        assert not door.admits()
        clock.now += pause * 0.42  # the pause is jittered by a fifth
        assert door.admits()
        clock.now -= pause * 0.42


def test_a_probe_that_succeeds_brings_the_door_back(clock: Clock) -> None:
    door = ejected(clock)
    clock.now += 2 * SHORTEST_PAUSE_SECONDS
    assert door.admits()

    door.succeed()

    assert [door.admits() for _ in range(5)] == [True] * 5
    for _ in range(2):
        door.fail()
    assert door.admits()


def test_a_probe_that_is_never_heard_of_again_does_not_keep_a_door_away_for_ever(clock: Clock) -> None:
    door = ejected(clock)
    clock.now += 2 * SHORTEST_PAUSE_SECONDS
    assert door.admits()

    clock.now += 2 * SHORTEST_PAUSE_SECONDS

    assert door.admits()


def test_the_preferred_door_comes_first_and_an_ejected_one_last(clock: Clock) -> None:
    doors = Doors(["http://a/", "http://b"], clock)
    first = next(doors.worth_trying())
    assert [each.url for each in doors.worth_trying()] == ["http://a", "http://b"]

    for _ in range(3):
        first.fail()

    assert [each.url for each in doors.worth_trying()] == ["http://b", "http://a"]


def test_when_all_are_ejected_all_are_tried(clock: Clock) -> None:
    doors = Doors(["http://a", "http://b"], clock)
    for door in doors.worth_trying():
        for _ in range(3):
            door.fail()

    assert [each.url for each in doors.worth_trying()] == ["http://a", "http://b"]


def test_a_tenth_of_the_requests_may_be_repeated() -> None:
    allowance = Allowance()
    assert sum(allowance.spend() for _ in range(100)) == MOST_SAVED

    for _ in range(105):
        allowance.earn()

    assert sum(allowance.spend() for _ in range(100)) == 10
