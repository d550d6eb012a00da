import asyncio
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from churn.contract.contract import Contract
from churn.contract.request import Row
from churn.errors import BundleError
from churn.scoring.loading import load_scorer
from churn.scoring.scorer import Scorer
from services.together import Found, Together
from tests.bundles import random_columns


@pytest.fixture(scope="module")
def scorer(bundle_folder: Path) -> Scorer:
    return load_scorer(bundle_folder, name="churn", version=1)


@pytest.fixture(scope="module")
def rows(telco: Contract) -> list[Row]:
    columns = random_columns(telco, 70, seed=11)
    columns["PaymentMethod"][::9] = "carrier pigeon"
    return [{name: values[place] for name, values in columns.items()} for place in range(70)]


def ask_all(together: Together, asked: Sequence[tuple[Scorer, Row, bool]]) -> list[Found | BaseException]:
    async def ask() -> list[Found | BaseException]:
        asking = (together.ask(scorer, row, wants_reasons=wanted) for scorer, row, wanted in asked)
        return await asyncio.gather(*asking, return_exceptions=True)

    return asyncio.run(ask())


def test_rows_in_company_are_answered_as_each_alone(scorer: Scorer, rows: list[Row]) -> None:
    found = ask_all(Together(), [(scorer, row, number % 2 == 0) for number, row in enumerate(rows)])

    for number, (row, one) in enumerate(zip(rows, found, strict=True)):
        assert isinstance(one, tuple)
        probability, explanation = one
        assert probability == scorer.score_row(row)
        assert (explanation is not None) == (number % 2 == 0)
        if explanation is not None:
            alone = scorer.explain_row(row)
            assert explanation.contributions == pytest.approx(alone.contributions, abs=2e-5)
            assert explanation.base_log_odds == pytest.approx(alone.base_log_odds, abs=2e-5)


def test_rows_that_arrive_together_are_one_run_and_later_ones_another(scorer: Scorer, rows: list[Row]) -> None:
    counting = Counting(scorer)
    together = Together()
    ask_all(together, [(counting, row, False) for row in rows[:5]])
    ask_all(together, [(counting, rows[0], False)])

    assert counting.runs == [5, 1]


def test_each_row_is_answered_by_the_version_that_was_asked(scorer: Scorer, rows: list[Row]) -> None:
    other = Counting(scorer, always=1.0)

    found = ask_all(Together(), [(other if number % 2 else scorer, row, False) for number, row in enumerate(rows[:6])])

    from_other = [isinstance(one, tuple) and one[0] == 1.0 for one in found]
    assert from_other == [False, True, False, True, False, True]


def test_a_row_that_fails_fails_alone(scorer: Scorer, rows: list[Row]) -> None:
    bad: Row = {**rows[1], "tenure": "many"}

    first, second, third = ask_all(Together(), [(scorer, row, True) for row in (rows[0], bad, rows[2])])

    assert isinstance(second, ValueError)
    assert isinstance(first, tuple)
    assert isinstance(third, tuple)


@pytest.mark.parametrize("found", [math.nan, math.inf, -0.1, 1.1])
def test_what_is_no_probability_is_an_error_of_its_row(scorer: Scorer, rows: list[Row], found: float) -> None:
    wrong, right = ask_all(Together(), [(Counting(scorer, always=found), rows[0], False), (scorer, rows[1], False)])

    assert isinstance(wrong, BundleError)
    assert isinstance(right, tuple)


def test_each_row_is_told_how_long_its_run_took(scorer: Scorer, rows: list[Row]) -> None:
    seconds: list[float] = []

    async def ask() -> None:
        together = Together()
        asking = (together.ask(scorer, row, wants_reasons=False, note_seconds=seconds.append) for row in rows[:3])
        await asyncio.gather(*asking)

    asyncio.run(ask())
    assert len(seconds) == 3
    assert len(set(seconds)) == 1
    assert seconds[0] > 0


def test_who_left_stops_nobody_else(scorer: Scorer, rows: list[Row]) -> None:
    async def leave() -> Found:
        together = Together()
        left, stayed = (asyncio.create_task(together.ask(scorer, row, wants_reasons=False)) for row in rows[:2])
        await asyncio.sleep(0)
        left.cancel()
        return await stayed

    assert asyncio.run(leave())[0] == pytest.approx(scorer.score_row(rows[1]), abs=1e-6)


class Counting(Scorer):
    """A scorer that notes how many rows each run had."""

    def __init__(self, scorer: Scorer, *, always: float | None = None) -> None:
        self.__dict__.update(scorer.__dict__)
        self.runs: list[int] = []
        self.score_rows = self._score_and_note
        self._scorer, self._always = scorer, always

    def _score_and_note(self, rows: Sequence[Row]) -> list[float]:
        self.runs.append(len(rows))
        return self._scorer.score_rows(rows) if self._always is None else [self._always] * len(rows)
