"""Are the figures of performance true? Worlds whose truth is known: `python -m benchmarks.eyes.performance`.

Customers leave by a hazard a day that is theirs alone; the model knows a part of it. They are predicted over 150 days.
Leaving counts for 30 days, and is reported up to 30 days late, so that it takes 60 days until an outcome is due.
"""

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.special import expit, logit

from benchmarks.results import RESULTS, replace_section
from churn.contract.economics import Economics
from churn.evaluation.cbpe import expect
from churn.evaluation.degradation import changes
from churn.evaluation.intervals import Estimate, estimate
from churn.evaluation.metrics import measure
from churn.evaluation.observed import Answers, observe
from churn.labels.sightings import Horizon, Sighting, label_of
from churn.retention.profit import realised_profit

SECTION = "eyes: performance"
RUNS, CUSTOMERS, WORTH, THRESHOLD = 300, 4_000, 300.0, 0.25
DAYS, HORIZON, DELAY = 150, 30, 30
SHOWN = ("roc_auc", "pr_auc", "brier", "base_rate", "calibration_slope", "lift_at_10_percent", "profit")
EXPECTED = tuple(name for name in SHOWN if name != "calibration_slope")
ECONOMICS = Economics(customer_value=WORTH)
TRUTH_CUSTOMERS = 1_000_000
HELD_OUT, LEVEL, COMPARED = 1_400, 0.01, ("roc_auc", "brier")
MILLISECONDS = 86_400_000
HERMITE = np.polynomial.hermite_e.hermegauss(40)
GRID = np.linspace(-6, 6, 601)


@dataclass(frozen=True, slots=True)
class World:
    """How customers leave, and what the model makes of it.

    Attributes:
        known: how much of a customer's hazard the model knows, on the log scale.
        hidden: how much of it nobody knows.
        hazard: of the typical customer and day.
        slope: by how much the model stretches the true log-odds: 1 is calibrated, above 1 too sure.
        noise: what the model takes for known since it was trained, and is not.
    """

    known: float = 1.0
    hidden: float = 0.5
    hazard: float = 0.007
    slope: float = 1.15
    noise: float = 0.0


@dataclass(frozen=True, slots=True)
class Customers:
    """Customers of a world; each array of shape (rows,), times in days, now is 0."""

    probability: np.ndarray
    predicted: np.ndarray
    leaves_after: np.ndarray
    told: np.ndarray

    @property
    def left(self) -> np.ndarray:
        """What will be true: 1 for those who leave within the horizon."""
        return (self.leaves_after <= HORIZON).astype(np.int64)

    def answers(self, rows: np.ndarray) -> Answers:
        """What they were answered."""
        probability = self.probability[rows]
        return Answers(probability, probability >= THRESHOLD, np.full(len(probability), WORTH), THRESHOLD)


def live(world: World, rows: int, rng: np.random.Generator) -> Customers:
    """Let customers live."""
    signal, secret = rng.normal(size=rows), rng.normal(size=rows)
    hazard = world.hazard * np.exp(world.known * signal + world.hidden * secret)
    leaves_after = rng.exponential(1 / hazard)
    seen = np.sqrt(1 - world.noise**2) * signal + world.noise * rng.normal(size=rows)
    predicted = rng.uniform(-DAYS, 0, rows)
    told = predicted + np.minimum(leaves_after, HORIZON) + rng.uniform(0, DELAY, rows)
    return Customers(_probability(world, seen), predicted, leaves_after, told)


def _probability(world: World, signal: np.ndarray) -> np.ndarray:
    """Leave out what is hidden by Gauss and Hermite's rule, on a fine grid."""
    places, weights = HERMITE
    hazards = world.hazard * np.exp(world.known * GRID[:, None] + world.hidden * places)
    true = (1 - np.exp(-HORIZON * hazards)) @ (weights / weights.sum())
    return np.asarray(expit(world.slope * np.interp(signal, GRID, logit(true))))


def truth(world: World, rows: int = TRUTH_CUSTOMERS) -> dict[str, float]:
    """Return the figures of very many customers."""
    return figures(live(world, rows, np.random.default_rng(0)), np.arange(rows))


def figures(customers: Customers, rows: np.ndarray) -> dict[str, float]:
    answers, target = customers.answers(rows), customers.left[rows]
    earned = realised_profit(target, answers.is_at_risk, answers.value, ECONOMICS)
    found = {**measure(target, answers.probability), "base_rate": target.mean(), "profit": earned.mean()}
    return {name: float(found[name]) for name in SHOWN}


def labels(customers: Customers) -> np.ndarray:
    """Label those whose outcome is due by what was told by now, as the store does; NaN: not known."""
    found = np.full(len(customers.predicted), np.nan)
    for row in np.flatnonzero(customers.predicted < -(HORIZON + DELAY)):
        begin = customers.predicted[row]
        seen = begin + min(customers.leaves_after[row], HORIZON)
        sighting = Sighting(_text(seen), int(customers.left[row]))
        told = [sighting] if customers.told[row] <= 0 else []
        label = label_of("", Horizon(*map(_text, (begin, begin + HORIZON, begin + 2 * HORIZON))), told, "unknown")
        found[row] = np.nan if label.churned is None else label.churned
    return found


def _text(day: float) -> str:
    return f"{round((day + 10 * DAYS) * MILLISECONDS):016d}"


def naive_labels(customers: Customers) -> np.ndarray:
    """Take all that is known now."""
    return np.where(customers.told <= 0, customers.left, np.nan)


def silent_labels(customers: Customers) -> np.ndarray:
    """Take everybody of whom nothing was heard for somebody who stayed."""
    return ((customers.told <= 0) & (customers.left == 1)).astype(np.float64)


FEWER = 100
"""Resamples for the ways that are wrong: their intervals are only to be seen to miss."""

WAYS = {"once due": labels, "known now": naive_labels, "silence is staying": silent_labels}


def observed(customers: Customers, way: str, *, resamples: int, seed: int) -> dict[str, Estimate]:
    """Measure by one way to label."""
    target = WAYS[way](customers)
    rows = np.flatnonzero(~np.isnan(target))
    found = observe(customers.answers(rows), target[rows].astype(np.int64), ECONOMICS, resamples=resamples, seed=seed)
    return {name: found[name] for name in SHOWN}


def coverage(runs: int, *, resamples: int = 300) -> Iterator[str]:
    """Yield the table of what each way finds, and how often its interval holds the truth."""
    world, rng = World(), np.random.default_rng(1)
    true = truth(world, TRUTH_CUSTOMERS)
    found: dict[str, list[dict[str, Estimate]]] = {way: [] for way in WAYS}
    for run in range(runs):
        customers = live(world, CUSTOMERS, rng)
        for way, rows in found.items():
            draws = resamples if way == "once due" else min(resamples, FEWER)
            rows.append(observed(customers, way, resamples=draws, seed=run))
        if run % 50 == 49:
            _say(f"{run + 1} runs")
    yield f"| measure | truth |{''.join(f' {way} | holds the truth |' for way in WAYS)}"
    yield "|---|--:|" + "--:|--:|" * len(WAYS)
    for name in SHOWN:
        cells = "".join(f" {_mean(rows, name):.3f} | {_held(rows, name, true[name]):.1%} |" for rows in found.values())
        yield f"| {name} | {true[name]:.3f} |{cells}"


def _mean(rows: list[dict[str, Estimate]], name: str) -> float:
    return float(np.mean([one[name].value for one in rows]))


def _held(rows: list[dict[str, Estimate]], name: str, true: float) -> float:
    return float(np.mean([one[name].low <= true <= one[name].high for one in rows]))


def bands(runs: int, *, draws: int = 300) -> Iterator[str]:
    """Yield how often the band of what is expected holds what the same customers' outcomes show later."""
    worlds = {"calibrated": World(slope=1), "too sure": World(), "the model has aged": World(slope=1, noise=0.6)}
    yield f"| measure |{''.join(f' {name} | expected | observed later |' for name in worlds)}"
    yield "|---|" + "--:|--:|--:|" * len(worlds)
    found = {name: [_expected(world, run, draws) for run in range(runs)] for name, world in worlds.items()}
    for measured in EXPECTED:
        cells = ""
        for pairs in found.values():
            held = np.mean([band[measured].low <= later[measured] <= band[measured].high for band, later in pairs])
            means = [np.mean([one[measured] for _, one in pairs]), np.mean([one[measured].value for one, _ in pairs])]
            cells += f" {held:.1%} | {means[1]:.3f} | {means[0]:.3f} |"
        yield f"| {measured} |{cells}"


def _expected(world: World, run: int, draws: int) -> tuple[dict[str, Estimate], dict[str, float]]:
    customers = live(world, CUSTOMERS, np.random.default_rng([2, run]))
    rows = np.flatnonzero(customers.predicted >= -(HORIZON + DELAY))
    return expect(customers.answers(rows), ECONOMICS, draws=draws, seed=run), figures(customers, rows)


CHANGES = {
    "nothing": (World(slope=1), (300, 1_000, 5_000)),
    "a part of what the model knows is noise now (0.4)": (World(slope=1, noise=0.4), (1_000, 5_000)),
    "a larger part (0.6)": (World(slope=1, noise=0.6), (1_000,)),
    "half as many again leave each day": (World(slope=1, hazard=0.0105), (1_000,)),
}


def alarms(runs: int, *, resamples: int = 200) -> Iterator[str]:
    """Yield how often a version is called degraded, held against 1,400 customers held out of its training."""
    references = [_sample(World(slope=1), HELD_OUT, [3, run], resamples) for run in range(runs)]
    yield "| what changed | live customers | called degraded |"
    yield "|---|--:|--:|"
    for name, (world, sizes) in CHANGES.items():
        for rows in sizes:
            found = [
                changes(_sample(world, rows, [4, rows, run], resamples), reference, COMPARED, level=LEVEL)
                for run, reference in enumerate(references)
            ]
            yield f"| {name} | {rows:,} | {np.mean([any(one.is_worse for one in each) for each in found]):.1%} |"


def _sample(world: World, rows: int, seed: list[int], resamples: int) -> dict[str, Estimate]:
    """Return a sample's measures by the model that was trained before anything changed."""
    rng = np.random.default_rng(seed)
    signal, secret = rng.normal(size=rows), rng.normal(size=rows)
    hazard = world.hazard * np.exp(world.known * signal + world.hidden * secret)
    target = (rng.exponential(1 / hazard) <= HORIZON).astype(np.int64)
    seen = np.sqrt(1 - world.noise**2) * signal + world.noise * rng.normal(size=rows)
    return estimate(target, _probability(World(slope=1), seen), resamples=resamples, seed=seed[-1])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eyes.performance", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the page with the section")
    asked = parser.parse_args()
    started = perf_counter()
    section = "\n".join(_section(asked.runs, started))
    page = asked.results.read_text(encoding="utf-8") if asked.results.is_file() else "# Results\n"
    asked.results.write_text(replace_section(page, SECTION, section), encoding="utf-8")
    _say(f"written to {asked.results}")


def _section(runs: int, started: float) -> Iterator[str]:
    yield "## Performance: are the figures true?\n"
    yield (
        f"Written by `python -m benchmarks.eyes.performance --runs {runs}`. {(__doc__ or '').partition(chr(10) * 2)[2]}"
        f"{CUSTOMERS:,} customers a run, {runs} runs: a coverage of 95 % is known to "
        f"±{1.96 * (0.95 * 0.05 / runs) ** 0.5:.1%}. Money per customer.\n"
    )
    yield "### With outcomes: once they are due, and as if that did not matter\n"
    yield from coverage(runs)
    _say("with outcomes")
    yield "\n### Before outcomes: how often the 95 % band (CBPE) holds what the same customers show later\n"
    yield from bands(runs)
    _say("before outcomes")
    yield f"\n### Degraded: at a level of {LEVEL:.0%} for {' and '.join(COMPARED)} together\n"
    yield from alarms(runs)
    yield (
        f"\n{datetime.now(UTC):%Y-%m-%d}, {perf_counter() - started:.0f} s on {os.cpu_count()} cores "
        f"({platform.machine()}), Python {platform.python_version()}, numpy {np.__version__}."
    )


def _say(text: str) -> None:
    print(f"performance: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
