"""Measure the simulator's claims: that customers leave as often as their known hazards say, and how quick it is.

`python -m benchmarks.eyes.simulation` writes the section of benchmarks/RESULTS.md. In each run of a world its customers
are sorted by their known chance and cut into ten parts a month; a part is covered when the number that left lies within
1.96 standard deviations (√Σh(1-h)) of the number that the chances add up to. Where the truth is right, 95 % are.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks.results import RESULTS, replace_section
from churn.data.simulation.month import Month
from churn.data.simulation.shifts import Shift
from churn.data.simulation.simulation import simulate
from churn.data.simulation.world import Campaign, Season, World

SECTION = "eyes: simulation"
RUNS, CUSTOMERS, PARTS = 20, 10_000, 10
WITHIN = 1.959964
OFFER = Campaign(month=3, share=0.5, above=0.3, success=0.4, sleeping_dogs=0.1, lasts_months=2)
DRIFT = ("price:1.1@2", "share:Contract=Month-to-month:1.3@2-4", "concept:Contract:0.5@3", "base:0.5@4")

WORLDS = {
    "followed": World(),
    "other customers every month": World(is_followed=False),
    "3 % a month, with a season": World(base_rate=0.03, season=Season(amplitude=0.5, peak_month=2)),
    "four shifts": World(shifts=tuple(map(Shift.parse, DRIFT))),
    "a campaign with sleeping dogs": World(campaigns=(OFFER,)),
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one world.

    Attributes:
        parts: how many were compared.
        covered: how many of them within the band, as a share.
        difference: leavers above what the chances add up to, as a share of these.
        error: its standard error.
        rows_per_second: of processor time.
    """

    name: str
    parts: int
    covered: float
    difference: float
    error: float
    rows_per_second: float


def checked(name: str, world: World, runs: int, customers: int) -> Checked:
    """Live through a world again and again."""
    deviations: list[float] = []
    expected = left = variance = rows = seconds = 0.0
    for seed in range(runs):
        began = process_time()
        months = list(simulate(replace(world, seed=seed, customers=customers)))
        seconds += process_time() - began
        for month in months:
            rows += month.rows
            expected, left = expected + month.hazard.sum(), left + month.left.sum()
            variance += (month.hazard * (1 - month.hazard)).sum()
            deviations += deviations_of(month)
    covered = float(np.mean(np.abs(deviations) <= WITHIN))
    error = np.sqrt(variance) / expected
    return Checked(name, len(deviations), covered, (left - expected) / expected, error, rows / seconds)


def deviations_of(month: Month) -> Iterator[float]:
    """Yield, part by part, how many standard deviations more left than were to."""
    for part in np.array_split(np.argsort(month.hazard), PARTS):
        chance = month.hazard[part]
        spread = np.sqrt((chance * (1 - chance)).sum())
        if spread > 1:  # fewer leavers than that are not normal
            yield float((month.left[part].sum() - chance.sum()) / spread)


def markdown(found: list[Checked], runs: int, customers: int) -> str:
    """Return the section."""
    lines = [
        "## The simulator",
        "",
        (__doc__ or "").partition("\n\n")[2].strip(),
        f"{runs} runs of {customers:,} customers, six months each.",
        "",
        "| world | parts | within the 95 % band | leavers above the known chances | rows per second of one processor |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {one.name} | {one.parts:,} | {one.covered:.1%} | {one.difference:+.2%} ± {WITHIN * one.error:.2%} "
            f"| {one.rows_per_second:,.0f} |"
            for one in found
        ),
    ]
    return "\n".join(lines) + "\n"


def draw(path: Path, customers: int) -> None:
    """Draw the chance of leaving by month, with and without a campaign: the picture of docs/simulation.md."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    world = World(
        customers=customers, months=18, seed=1, base_rate=0.04, season=Season(amplitude=0.3, peak_month=4),
        shifts=(Shift.parse("base:0.4@10"),),
    )  # fmt: skip
    offer = Campaign(month=5, above=0.05, success=0.6, lasts_months=4)
    pictured = {
        "without a campaign": world,
        "an offer in month 5 that holds for 4 months": replace(world, campaigns=(offer,)),
    }
    with pyplot.rc_context({"svg.hashsalt": "simulation", "svg.fonttype": "none"}):
        figure, axes = pyplot.subplots(figsize=(7, 3.2), layout="constrained")
        for (label, one), line in zip(pictured.items(), ("-", "--"), strict=True):
            months = list(simulate(one))
            numbers = [month.number for month in months]
            (curve,) = axes.plot(
                numbers, [100 * month.hazard.mean() for month in months], line, label=f"chance, {label}"
            )
            axes.plot(numbers, [100 * month.left.mean() for month in months], "o", ms=3, color=curve.get_color())
        axes.axvline(10, color="grey", lw=0.8, ls=":")
        axes.annotate("base:0.4@10", (10.1, 0.15), fontsize=8, color="grey")
        axes.set(xlabel="month", ylabel="% leaving in the month", ylim=(0, None), xticks=numbers)
        axes.legend(frameon=False, fontsize=8, loc="lower left")
        figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the page with the section")
    parser.add_argument("--picture", type=Path, help="also draw the picture, as SVG")
    asked = parser.parse_args()
    found = []
    for name, world in WORLDS.items():
        found.append(checked(name, world, asked.runs, asked.customers))
        print(f"simulation: {found[-1]}", file=sys.stderr, flush=True)
    page = asked.results.read_text(encoding="utf-8") if asked.results.is_file() else "# Results\n"
    section = markdown(found, asked.runs, asked.customers)
    asked.results.write_text(replace_section(page, SECTION, section), encoding="utf-8")
    if asked.picture:
        draw(asked.picture, asked.customers)


if __name__ == "__main__":
    main()
