"""Measure the drift job's claims: how often it alarms when nothing changed, and how often it finds what did.

`python -m benchmarks.eyes.drift` writes the section of benchmarks/RESULTS.md. Customers are those of the Telco sampler,
scored by a bundle that was trained on such. In each run of the first table the live window and the reference (5,000
customers, as in a bundle) are drawn anew from 200,000, so that runs are independent and Wilson's intervals hold. In the
second the reference is the bundle's own: customers whom the model has learned from, one sample for all windows.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from benchmarks.eyes.drift_shifts import SHIFTS, Shift
from benchmarks.eyes.drift_world import World
from benchmarks.results import RESULTS, replace_section, section_of
from churn.bundle.files import OUTPUT
from churn.bundle.making import REFERENCE_ROWS
from churn.evaluation.intervals import Estimate
from churn.evaluation.shares import share
from monitoring.comparing import measure_drift
from monitoring.drift_parameters import DriftParameters, read_drift_parameters
from monitoring.measures import (
    JENSEN_SHANNON,
    MISSING_CHANGE,
    NEW_SHARE,
    PSI,
    UNKNOWN_CHANGE,
    Measure,
    decisive,
    drifted_share,
)
from monitoring.profit_change import ProfitChange, measure_profit_change
from monitoring.windows import Window

SECTION = "eyes: drift"
CLAIMED = 0.01
OWN_PART = 0.2
"""Of the runs: one reference for all tells less, however many there are."""

FALSE_ALARM_RUNS = {200: 1000, 1000: 1000, 5000: 1000, 50_000: 300}
POWER_RUNS = {200: 40, 1000: 15, 5000: 8, 50_000: 2}
BARELY = 0.99
"""A false-alarm probability for which a dozen deals are enough."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the job would say of one window.

    Attributes:
        any_column: some column or the prediction drifted.
        window: the window as a whole drifted.
        prediction: the prediction drifted.
        columns: which columns did.
        profit_covered: whether the interval of the change in profit holds 0.
    """

    any_column: bool
    window: bool
    prediction: bool
    columns: frozenset[str]
    profit_covered: bool


def look(world: World, live: Window, reference: Window, parameters: DriftParameters) -> Seen:
    """Compare as the job does; where no value reaches its floor, nothing has to be dealt to know that none drifted."""
    measures = measure_drift(world.contract, live, reference, replace_probability(parameters, BARELY)).measures
    if any(abs(one.value) >= floor_of(one, parameters) for one in measures):
        measures = measure_drift(world.contract, live, reference, parameters).measures
    else:
        measures = tuple(replace(one, threshold=floor_of(one, parameters)) for one in measures)
    profit = measure_profit_change(world.bundle, world.contract, live, reference)
    return seen_in(measures, profit, parameters)


def replace_probability(parameters: DriftParameters, probability: float) -> DriftParameters:
    return parameters.model_copy(update={"false_alarm_probability": probability})


def floor_of(measure: Measure, parameters: DriftParameters) -> float:
    floors = {
        PSI: parameters.psi_threshold,
        JENSEN_SHANNON: parameters.jensenshannon_threshold,
        MISSING_CHANGE: parameters.missing_share_threshold,
        UNKNOWN_CHANGE: parameters.unknown_share_threshold,
        NEW_SHARE: parameters.unknown_share_threshold,
    }
    return floors[measure.method]


def seen_in(measures: tuple[Measure, ...], profit: ProfitChange | None, parameters: DriftParameters) -> Seen:
    """Judge as the job does."""
    drifted = {column for column, one in decisive(measures).items() if one.is_drifted}
    is_window = drifted_share(measures, leave_out=OUTPUT) >= parameters.drifted_share_threshold or OUTPUT in drifted
    return Seen(
        any_column=bool(drifted),
        window=is_window,
        prediction=OUTPUT in drifted,
        columns=frozenset(drifted - {OUTPUT}),
        profit_covered=profit is not None and profit.low <= 0 <= profit.high,
    )


def false_alarms(world: World, rows: int, runs: int, *, own_reference: bool = False) -> list[Seen]:
    """Look at windows of unchanged customers."""
    parameters, own = read_drift_parameters(), world.own_reference()
    drawn = (world.windows(rows, REFERENCE_ROWS, seed=[1, rows, run]) for run in range(runs))
    return [look(world, live, own if own_reference else fresh, parameters) for live, fresh in drawn]


def power(world: World, shift: Shift, rows: int, runs: int) -> list[Seen]:
    """Look at windows of customers who have changed, against fresh references."""
    parameters = read_drift_parameters()
    drawn = (world.windows(rows, REFERENCE_ROWS, seed=[2, rows, run]) for run in range(runs))
    return [look(world, world.shifted(live, shift, seed=[3, rows]), fresh, parameters) for live, fresh in drawn]


def main() -> None:
    asked = _asked()
    with TemporaryDirectory() as scratch:
        world = World.made(Path(scratch))
        for name in asked.only or TABLES:
            started = perf_counter()
            table = TABLES[name](world, asked.part)
            _write(asked.results, name, f"### Drift: {name}\n\n{table}\n{_how(perf_counter() - started)}")
    _say(f"written to {asked.results}")


def _write(path: Path, name: str, part: str) -> None:
    """Write one table; those that this run does not measure stay."""
    page = path.read_text(encoding="utf-8") if path.is_file() else "# Results\n"
    section = section_of(page, SECTION) or f"## Drift\n\n{__doc__}"
    path.write_text(replace_section(page, SECTION, replace_section(section, name, part)), encoding="utf-8")


POWER_WORDS = """\
Share of windows in which the job finds the shift: the column itself, the predicted probability, and drift of the window
as a whole. A shift below its floor (PSI 0.1, Jensen-Shannon 0.15, a share of 0.05) is not meant to be found, however
large the window is.
"""


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eyes.drift", description="Measure the drift job.")
    parser.add_argument("--only", action="append", choices=list(TABLES), help="measure this table; repeatable")
    parser.add_argument("--part", type=float, default=1.0, help="of the runs, for a quick look")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the page with the section")
    return parser.parse_args()


def _false_alarm_table(world: World, part: float, *, own_reference: bool) -> str:
    lines = [
        "| live rows | runs | any column or prediction | the window as a whole | goal | 0 in the interval of profit |",
        "|--:|--:|--:|--:|---|--:|",
    ]
    for rows, full in FALSE_ALARM_RUNS.items():
        seen = false_alarms(world, rows, max(1, round(full * part)), own_reference=own_reference)
        family, window = (_share(seen, pick) for pick in (lambda one: one.any_column, lambda one: one.window))
        covered = _share(seen, lambda one: one.profit_covered)
        reached = "reached" if family.value <= CLAIMED and window.value <= CLAIMED else "**not reached**"
        cells = (f"{rows:,}", f"{len(seen):,}", _text(family), _text(window), f"≤ 1 %: {reached}", _text(covered))
        lines.append(f"| {' | '.join(cells)} |")
        _say(lines[-1])
    return "\n".join(lines) + "\n"


def _power_table(world: World, part: float) -> str:
    lines = ["| shift | live rows | runs | the column | the prediction | the window |", "|---|--:|--:|--:|--:|--:|"]
    lines += [line for shift in SHIFTS for line in _power_lines(world, shift, part)]
    return "\n".join(lines) + "\n"


def _power_lines(world: World, shift: Shift, part: float) -> Iterator[str]:
    for rows, full in POWER_RUNS.items():
        seen = power(world, shift, rows, max(1, round(full * part)))
        column = _percent(seen, lambda one: shift.column in one.columns) if shift.column else "none moved"
        cells = (shift.name, f"{rows:,}", f"{len(seen)}", column)
        told = (_percent(seen, lambda one: one.prediction), _percent(seen, lambda one: one.window))
        line = f"| {' | '.join((*cells, *told))} |"
        _say(line)
        yield line


def _share(seen: list[Seen], pick: Callable[[Seen], bool]) -> Estimate:
    return share(sum(map(pick, seen)), len(seen))


def _percent(seen: list[Seen], pick: Callable[[Seen], bool]) -> str:
    return f"{np.mean([pick(one) for one in seen]):.0%}"


def _text(found: Estimate) -> str:
    return f"{found.value:.1%} ({found.low:.1%} … {found.high:.1%})"


def _how(seconds: float) -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}, {seconds / 60:.0f} minutes. Brackets: Wilson's 95 % intervals."


def _say(text: str) -> None:
    print(f"drift: {text}", file=sys.stderr, flush=True)


def _fresh(world: World, part: float) -> str:
    return _false_alarm_table(world, part, own_reference=False)


def _own(world: World, part: float) -> str:
    return _false_alarm_table(world, part * OWN_PART, own_reference=True)


def _power(world: World, part: float) -> str:
    return f"{POWER_WORDS}\n{_power_table(world, part)}"


TABLES = {"false alarms": _fresh, "false alarms against the bundle's own reference": _own, "power": _power}
"""Table → how it is measured, with a part of the runs."""


if __name__ == "__main__":
    main()
