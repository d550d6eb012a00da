"""Is the interval of a campaign's gain right? `python -m benchmarks.promotion.gate_interval`.

Two campaigns of one size on the same customers. Beside the gate's interval stands one that takes what each customer
adds for independent, as if it had been settled beforehand whom both contact: it does not know that whoever is
contacted takes the place of somebody at the border, and comes out too wide.
"""

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from benchmarks.promotion.gate import rate
from benchmarks.promotion.gate_world import ECONOMICS, UNSURE, population, unsure, worse_by
from benchmarks.results import RESULTS, replace_section
from churn.evaluation.gate.contacts import contact
from churn.evaluation.gate.measured import Measured, measure_by
from churn.retention.profit import expected_profit

SECTION = "promotion: gate interval"
TRIALS, SIZES, SHARES, BETTER = 600, (300, 1_000, 5_000), (0.05, 0.2, 0.5), (0, 10)


def both(
    sides: tuple[np.ndarray, np.ndarray], share: float, rows: int, rng: np.random.Generator
) -> tuple[Measured, Measured]:
    """Return a sample's gain as the gate measures it, and as if the campaigns had been settled beforehand."""
    people = population()
    drawn, target = people.sample(rows, rng)
    worth = people.worth[drawn]
    earned = expected_profit(target, worth, ECONOMICS)
    new, old = (contact(expected_profit(one[drawn], worth, ECONOMICS), earned, share) for one in sides)
    added = (new.weight - old.weight) * earned
    gain = new.profit - old.profit
    return measure_by(gain, new.influence - old.influence, None), measure_by(gain, added - added.mean(), None)


def coverage(trials: int) -> Iterator[str]:
    """Yield how often each interval holds the truth, and how wide it is."""
    people = population()
    yield (
        "| campaign to | truly better by | labels | the gate's holds the truth | its low end is above | "
        "settled beforehand: holds it | is wider |"
    )
    yield "|--:|--:|--:|--:|--:|--:|--:|"
    noise = UNSURE * np.random.default_rng(0).normal(size=(2, len(people.chance)))
    best = unsure(people.chance, noise[0])
    for share in SHARES:
        for percent in BETTER:
            old = worse_by(percent, noise[0], share, people) if percent else unsure(people.chance, noise[1])
            truth = people.true_profit(best, share) - people.true_profit(old, share)
            for rows in SIZES:
                rng = np.random.default_rng([rows, percent])
                found = [both((best, old), share, rows, rng) for _ in range(trials)]
                yield f"| {share:.0%} | +{percent} % | {rows:,} | {_line(found, truth)} |"


def _line(found: list[tuple[Measured, Measured]], truth: float) -> str:
    ours, settled = zip(*found, strict=True)
    held = [rate(sum(one.low <= truth <= one.high for one in way), len(found)) for way in (ours, settled)]
    above = rate(sum(one.low > truth for one in ours), len(found))
    wider = np.median([one.error for one in settled]) / np.median([one.error for one in ours])
    return f"{held[0]} | {above} | {held[1]} | × {wider:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.promotion.gate_interval", description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the page with the section")
    asked = parser.parse_args()
    started = perf_counter()
    section = "\n".join(_section(asked.trials, started))
    page = asked.results.read_text(encoding="utf-8") if asked.results.is_file() else "# Results\n"
    asked.results.write_text(replace_section(page, SECTION, section), encoding="utf-8")
    print(f"gate interval: written to {asked.results}", file=sys.stderr, flush=True)


def _section(trials: int, started: float) -> Iterator[str]:
    yield "### The gate: is the interval of a campaign's gain right?\n"
    yield f"Written by `python -m benchmarks.promotion.gate_interval --trials {trials}`, {trials} trials a line."
    yield f"{(__doc__ or '').partition(chr(10) * 2)[2]}"
    yield from coverage(trials)
    yield (
        f"\n{datetime.now(UTC):%Y-%m-%d}, {process_time():.0f} s of processor time, "
        f"{perf_counter() - started:.0f} s beside other work, {os.cpu_count()} cores "
        f"({platform.machine()}), Python {platform.python_version()}, numpy {np.__version__}."
    )


if __name__ == "__main__":
    main()
