"""Simulate watches: how often a good release is called off, and how soon a bad one is.

`python -m benchmarks.promotion.watch` writes the section of benchmarks/RESULTS.md. Customers come at random (Poisson).
The usual noise: one answer in 500 is a failure of ours and one in 30 a refusal, before as after; machines are busy now
and then, for some seconds, and everything takes five to twenty times as long. The rules, the bounds and the diary are
those of `churn watch`; only the doors' pages are made up.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from statistics import median

import numpy as np
from scipy.stats import beta

from benchmarks.results import RESULTS, replace_section
from churn import metrics
from churn.metric_page import Page, read_page
from churn.metrics import SCORING_BUCKETS
from pipelines.parameters import read_parameters
from pipelines.watching.counts import Counts
from pipelines.watching.diary import Diary, Look
from pipelines.watching.parameters import WatchParameters
from pipelines.watching.rules import objections

RUNS = 300
BEFORE_SECONDS = 600
BOUNDS = (*SCORING_BUCKETS, inf)
DOOR = frozenset({"door"})


@dataclass(frozen=True, slots=True)
class World:
    """What a version does, and what the machine does.

    Attributes:
        rate: customers a second.
        failing: share of the customers on whom the version fails, beyond the usual.
        slower: how many times longer it takes.
        broken: usual share of failures of the doors.
        refused: usual share of refusals.
        busy: how often a busy spell begins, a second.
    """

    rate: float
    failing: float = 0.0
    slower: float = 1.0
    broken: float = 0.002
    refused: float = 0.03
    busy: float = 0.01


def seconds_of(world: World, rng: np.random.Generator) -> Iterator[Counts]:
    """Yield what is counted in each second, for ever."""
    left, factor = 0, 1.0
    while True:
        if left == 0 and rng.random() < world.busy:
            left, factor = int(rng.integers(1, 6)), float(rng.uniform(5, 20))
        asked = int(rng.poisson(world.rate))
        failed, broken = int(rng.binomial(asked, world.failing)), int(rng.binomial(asked, world.broken))
        refused = int(rng.binomial(asked, world.refused))
        scored = max(asked - failed - refused, 0)
        times = rng.lognormal(np.log(2e-4), 0.4, scored) * world.slower * (factor if left else 1.0)
        left = max(left - 1, 0)
        yield Counts(scored, failed, asked, failed + broken, refused, _histogram(times))


def first_called_off(world: World, parameters: WatchParameters, rng: np.random.Generator) -> float | None:
    """Return after how many seconds a version is called off; None: it is not."""
    diary = Diary(2, 1)
    diary.begin({"door": _page(_summed(seconds_of(World(world.rate), rng), BEFORE_SECONDS))})
    counted = Counts()
    for look, more in zip(range(1, parameters.looks + 1), seconds_of(world, rng), strict=False):
        counted += more
        diary.looks.append(Look(look * parameters.every, counted, DOOR, DOOR, frozenset(), 1.0))
        if objections(diary, parameters):
            return look * parameters.every
    return None


def _summed(seconds: Iterator[Counts], length: int) -> Counts:
    found = Counts()
    for _, one in zip(range(length), seconds, strict=False):
        found += one
    return found


def _histogram(times: np.ndarray) -> dict[float, float]:
    return {bound: float((times <= bound).sum()) for bound in BOUNDS}


def _page(counts: Counts) -> Page:
    """The page of a door that has counted so much of version 1."""
    named, route = 'door="d",model_version="1"', 'door="d",route="/predict",method="POST"'
    statuses = {"200": counts.requests - counts.broken - counts.refused, "500": counts.broken, "422": counts.refused}
    lines = [
        f'churn_predictions_total{{{named},risk_level="LOW"}} {counts.predictions}',
        f"churn_version_failures_total{{{named}}} {counts.failures}",
        *(f'churn_http_requests_total{{{route},status="{each}"}} {number}' for each, number in statuses.items()),
        *(
            f'{metrics.VERSION_SCORING.name}_bucket{{{named},le="{"+Inf" if bound == inf else bound}"}} {number}'
            for bound, number in counts.scoring.items()
        ),
    ]
    return read_page("\n".join(lines) + "\n")


GOOD = {
    "usual noise, 2 a second": World(2),
    "usual noise, 20 a second": World(20),
    "1.5 times as slow, 20 a second": World(20, slower=1.5),
    "busy all the time, 20 a second": World(20, busy=0.05),
}
BAD = {
    "fails for everybody": {"failing": 1.0},
    "fails for one in five": {"failing": 0.2},
    "fails for one in twenty": {"failing": 0.05},
    "a hundred times as slow (20 ms)": {"slower": 100.0},
}
RATES = (2.0, 20.0, 100.0)


def good_rows(parameters: WatchParameters, runs: int, rng: np.random.Generator) -> Iterator[str]:
    """Yield a line of the table for each good world."""
    for name, world in GOOD.items():
        called = sum(first_called_off(world, parameters, rng) is not None for _ in range(runs))
        high = float(beta.ppf(0.95, called + 1, runs - called)) if called < runs else 1.0
        yield f"| {name} | {called} of {runs} | {high:.1%} |"


def bad_rows(parameters: WatchParameters, runs: int, rng: np.random.Generator) -> Iterator[str]:
    """Yield a line for each fault: when half and nearly all of the watches have called it off, by traffic."""
    for name, fault in BAD.items():
        cells = []
        for rate in RATES:
            found = [first_called_off(World(rate, **fault), parameters, rng) or inf for _ in range(runs)]
            cells.append(f"{median(found):.0f} / {np.quantile(found, 0.95, method='higher'):.0f}")
        yield f"| {name} | {' | '.join(cells)} |"


def section(parameters: WatchParameters, runs: int, seed: int) -> str:
    """Return both tables."""
    rng = np.random.default_rng(seed)
    return "\n".join(
        [
            "## The watch: false alarms, and how soon a bad release is called off",
            "",
            f"Simulated watches of {parameters.seconds:g} s with a look every {parameters.every:g} s, after "
            f"{BEFORE_SECONDS} s of the version before; the bounds of `watch.yaml`. The usual noise: 0.2 % failures, "
            "3 % refusals, a busy spell of 1 to 5 s about every 100 s in which all takes 5 to 20 times as long.",
            "",
            "| a release as good as the one before | rolled back | surely less than (95 %) |",
            "|---|---|---|",
            *good_rows(parameters, runs, rng),
            "",
            f"| a bad one: seconds until it is called off, half / 95 % of {max(runs // 6, 5)} watches | "
            + " | ".join(f"{rate:g} a second" for rate in RATES)
            + " |",
            f"|---|{'---|' * len(RATES)}",
            *bad_rows(parameters, max(runs // 6, 5), rng),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    text = section(read_parameters("watch", WatchParameters), asked.runs, asked.seed)
    print(text)
    page = asked.output.read_text("utf-8") if asked.output.exists() else ""
    asked.output.write_text(replace_section(page, "promotion: watch", text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
