import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine

from churn.errors import ConflictError
from churn.stores.leases import hold_lease

RACE = Path(__file__).with_name("lease_race.py")


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


def race(url: str, *, processes: int, rounds: int, spacing: float) -> None:
    start = time.time() + 1.0 + 0.6 * processes
    arguments = [[url, f"p{number}", str(rounds), str(start), str(spacing)] for number in range(processes)]
    contenders = [
        subprocess.Popen([sys.executable, str(RACE), *each], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for each in arguments
    ]
    ended = [each.communicate(timeout=300) for each in contenders]
    assert [each.returncode for each in contenders] == [0] * processes, ended

    wins = [{int(number): token for number, token in json.loads(out).items()} for out, _ in ended]
    assert Counter(number for each in wins for number in each) == dict.fromkeys(range(rounds), 1)
    tokens = {number: token for each in wins for number, token in each.items()}
    assert [tokens[number] for number in range(rounds)] == [number % 5 + 1 for number in range(rounds)]


def test_of_racing_processes_exactly_one_wins_each_round(engine: Engine, database_url: str) -> None:
    assert engine.url.render_as_string(hide_password=False) == database_url
    race(database_url, processes=4, rounds=15, spacing=0.2)


@pytest.mark.slow
def test_of_eight_racing_processes_exactly_one_wins_each_of_fifty_rounds(engine: Engine, database_url: str) -> None:
    assert engine.url.render_as_string(hide_password=False) == database_url
    race(database_url, processes=8, rounds=50, spacing=0.6)
