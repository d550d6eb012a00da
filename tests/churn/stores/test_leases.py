import subprocess
import sys
import time

import pytest
from sqlalchemy import Engine

from churn.errors import ConflictError
from churn.stores.leases import hold_lease


def test_a_lease_is_refused_to_others_with_the_name_of_its_holder(engine: Engine) -> None:
    with (
        hold_lease(engine, "promote:churn", owner="ann", seconds=60),
        pytest.raises(ConflictError, match=r"'promote:churn' is held by ann until \d{4}-"),
        hold_lease(engine, "promote:churn", owner="bob", seconds=60),
    ):
        pytest.fail("two hold one lease")


def test_another_lease_is_free(engine: Engine) -> None:
    with (
        hold_lease(engine, "promote:churn", owner="ann", seconds=60),
        hold_lease(engine, "promote:other", owner="bob", seconds=60) as lease,
    ):
        assert lease.owner == "bob"


def test_a_released_lease_may_be_taken_and_its_token_grows(engine: Engine) -> None:
    tokens = []
    for owner in ("ann", "bob", "ann"):
        with hold_lease(engine, "promote:churn", owner=owner, seconds=60) as lease:
            lease.check()
            tokens.append(lease.fencing_token)

    assert tokens == [1, 2, 3]


def test_a_lease_is_released_by_an_error_in_its_block(engine: Engine) -> None:
    with pytest.raises(KeyError, match="boom"), hold_lease(engine, "promote:churn", owner="ann", seconds=60):
        raise KeyError("boom")

    with hold_lease(engine, "promote:churn", owner="bob", seconds=60) as lease:
        lease.check()


def test_an_expired_lease_may_be_taken_and_its_holder_is_told(engine: Engine) -> None:
    with hold_lease(engine, "promote:churn", owner="ann", seconds=0.05) as first:
        time.sleep(0.1)
        with pytest.raises(ConflictError, match=r"of ann ended at"):
            first.check()

        with hold_lease(engine, "promote:churn", owner="bob", seconds=60) as second:
            with pytest.raises(ConflictError, match="of ann was taken over by bob"):
                first.check()
            second.check()


def test_a_holder_that_lost_its_lease_does_not_release_the_next_one_s(engine: Engine) -> None:
    with hold_lease(engine, "promote:churn", owner="ann", seconds=0.0):
        second = hold_lease(engine, "promote:churn", owner="bob", seconds=60)
        held = second.__enter__()

    held.check()
    second.__exit__(None, None, None)


class Contender:
    """A process that does one step when it is told to."""

    def __init__(self, url: str, owner: str) -> None:
        command = [sys.executable, "-m", "tests.churn.stores.lease_race", url, owner]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())


def race(url: str, *, processes: int, rounds: int) -> None:
    """A name is fresh in one round of five (a race to insert), and released in four (a race to update)."""
    contenders = [Contender(url, f"p{number}") for number in range(processes)]
    assert [each.answer() for each in contenders] == [0] * processes
    for number in range(rounds):
        tokens = [_step(contenders, f"race-{number // 5}"), _step(contenders, "end")]
        assert sorted(tokens[0]) == [0] * (processes - 1) + [number % 5 + 1]
        assert tokens[1] == [0] * processes
    _finish(contenders)


def _step(contenders: list[Contender], line: str) -> list[int]:
    for each in contenders:
        each.tell(line)
    return [each.answer() for each in contenders]


def _finish(contenders: list[Contender]) -> None:
    for each in contenders:
        each.process.communicate(timeout=30)
        assert each.process.returncode == 0


def test_of_racing_processes_exactly_one_wins_each_round(engine: Engine, database_url: str) -> None:
    assert engine.url.render_as_string(hide_password=False) == database_url
    race(database_url, processes=4, rounds=15)


@pytest.mark.slow
def test_of_eight_racing_processes_exactly_one_wins_each_of_two_hundred_rounds(
    engine: Engine, database_url: str
) -> None:
    assert engine.url.render_as_string(hide_password=False) == database_url
    race(database_url, processes=8, rounds=200)
