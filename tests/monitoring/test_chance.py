"""What chance alone does to two windows, and what the thresholds make of it."""

import numpy as np
import pytest

from monitoring.chance import Question, answer
from monitoring.distances import jensen_shannon, psi, share_change
from monitoring.measures import Measure

RUNS = 120
NO_FLOOR = 1e-12


def test_a_false_alarm_in_any_of_many_columns_is_as_rare_as_was_asked_for() -> None:
    """Twelve columns, half of them copies of one another, sparse cells: 10 % of windows, whichever method found it."""
    rng = np.random.default_rng(1)

    alarms = sum(any(one.is_drifted for one in ask(population(rng, 60), population(rng, 300))) for _ in range(RUNS))

    assert 0.03 < alarms / RUNS < 0.18


def test_what_matters_too_little_is_no_drift_however_sure_it_is() -> None:
    live, reference = {"x": np.repeat([0, 1], [5500, 4500])}, {"x": np.repeat([0, 1], [5000, 5000])}

    sure = ask(live, reference)
    small = ask(live, reference, floor=0.15)

    assert all(one.is_drifted for one in sure)
    assert not any(one.is_drifted for one in small)
    assert {one.threshold for one in small} == {0.15}


def test_a_column_in_which_nothing_can_differ_never_drifts() -> None:
    found = ask({"x": np.zeros(50, int)}, {"x": np.zeros(80, int)}, floor=0.1)

    assert [(one.value, one.threshold, one.is_drifted) for one in found] == [(0.0, 0.1, False)] * 3


def test_the_same_windows_have_the_same_thresholds() -> None:
    rng = np.random.default_rng(2)
    live, reference = population(rng, 60), population(rng, 300)

    assert ask(live, reference) == ask(live, reference)


@pytest.mark.parametrize("rows", [(60, 300), (300, 60)])
def test_a_column_that_moved_is_found_whichever_window_is_the_smaller(rows: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    live, reference = population(rng, rows[0]), population(rng, rows[1])
    live["sparse"] = np.where(rng.random(rows[0]) < 0.8, 7, live["sparse"])

    assert {one.column for one in ask(live, reference) if one.is_drifted} == {"sparse"}


def population(rng: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    shared = rng.choice(4, rows, p=[0.4, 0.3, 0.2, 0.1])
    copies = {f"copy{number}": (shared + number) % 4 for number in range(6)}
    others = {f"own{number}": rng.integers(10, size=rows) for number in range(5)}
    return {**copies, **others, "sparse": rng.choice(8, rows, p=[0.5, 0.3, 0.15, 0.02, 0.01, 0.01, 0.005, 0.005])}


def ask(live: dict[str, np.ndarray], reference: dict[str, np.ndarray], *, floor: float = NO_FLOOR) -> list[Measure]:
    methods = (("psi", psi, 1), ("js", jensen_shannon, 2), ("change", share_change, 2))
    questions = [
        Question(column, method, column, distance, power=power, floor=floor)
        for column in live
        for method, distance, power in methods
    ]
    codes = {name: np.unique(np.concatenate([live[name], reference[name]]), return_inverse=True)[1] for name in live}
    return answer(questions, codes, len(next(iter(live.values()))), probability=0.1)
