"""The drift job's claims, with few runs: the table has many."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.eyes import drift as command
from benchmarks.eyes.drift import false_alarms, floor_of, look, power
from benchmarks.eyes.drift_shifts import SHIFTS, Shift
from benchmarks.eyes.drift_world import World
from monitoring.comparing import measure_drift
from monitoring.drift_parameters import read_drift_parameters

RUNS = 30


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.made(tmp_path_factory.mktemp("drift"), rows=900, population=12_000)


def test_small_windows_of_unchanged_customers_seldom_alarm(world: World) -> None:
    """A guard against gross faults; that the limits are exact is shown in tests/monitoring/test_chance.py."""
    seen = false_alarms(world, 200, RUNS)

    assert sum(one.any_column for one in seen) <= 1
    assert sum(one.window for one in seen) == 0
    assert np.mean([one.profit_covered for one in seen]) > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("shift", SHIFTS, ids=lambda shift: shift.name)
def test_named_shifts_are_found(world: World, shift: Shift) -> None:
    (seen,) = power(world, shift, 1000, 1)

    assert shift.column in seen.columns if shift.column else seen.prediction


def test_the_short_way_sees_what_the_job_sees(world: World) -> None:
    parameters = read_drift_parameters()
    live, reference = world.windows(200, 2000, seed=[5])

    seen = look(world, live, reference, parameters)

    measures = measure_drift(world.contract, live, reference, parameters).measures
    assert seen.any_column == any(one.is_drifted for one in measures)
    assert all(one.threshold >= floor_of(one, parameters) for one in measures)


def test_a_table_is_written_between_its_own_marks(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "RESULTS.md"
    page.write_text("# Results\n\n## Scoring\n", encoding="utf-8")
    monkeypatch.setattr(World, "made", lambda _: world)
    monkeypatch.setattr(command, "FALSE_ALARM_RUNS", {200: 2})
    monkeypatch.setattr(sys, "argv", ["drift", "--only", "false alarms", "--results", str(page)])

    command.main()

    text = page.read_text(encoding="utf-8")
    assert "## Scoring" in text
    assert "### Drift: false alarms" in text
    assert "| 200 | 2 | 0.0% (" in text
