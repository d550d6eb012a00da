"""Can the gate be trusted? Versions whose true profit is known: `python -m benchmarks.promotion.gate`.

A population of synthetic Telco customers whose chances of leaving are known; customers are drawn from it with their
outcomes, and judged on as the gate judges: campaigns to 20 % of the customers, 43 parts, every guard-rail that follows
from the rows. A *point-estimate gate* promotes whatever earned more on the same rows.
"""

import argparse
import os
import platform
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from scipy.special import expit, logit

from benchmarks.promotion.gate_world import UNSURE, Population, population, too_sure, trained, unsure, worse_by
from benchmarks.results import RESULTS, replace_section
from churn.evaluation.gate import Gate, Verdict, judge
from churn.evaluation.shares import share

SECTION = "promotion: gate"
TRIALS = 300
SIZES = (1_000, 5_000, 20_000)
SHARE = 0.2
GATE = Gate(campaign_share=SHARE)
WAYS = {
    "seed": "LightGBM, the same training rows, another seed",
    "bootstrap": "LightGBM, another bootstrap of the same training rows",
}
BETTER = (2, 5, 10)
EQUAL = "equally good: other noise on the log-odds"
TRACE = 2.0
"""How far the leaked trace of leavers lies from that of stayers, in its own spread."""

Pair = Callable[[int, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Takes the trial, the drawn customers and their outcomes; returns what candidate and production say of them."""


@dataclass(slots=True)
class Tally:
    """What came of the trials of one pair at one size.

    Attributes:
        decisions: by what was decided.
        guards: by name and outcome.
        by_point: how often the candidate earned more on the rows.
        wrongly: how often it was promoted and truly earns less.
        surely_less: how often it earned surely less.
        held: how often the interval held the true difference, where that is known.
        apart: true difference of each trial, in percent of what production earns.
        labels: what was said to be needed, where something was.
    """

    trials: int = 0
    decisions: Counter[str] = field(default_factory=Counter)
    guards: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_point: int = 0
    wrongly: int = 0
    surely_less: int = 0
    held: int = 0
    apart: list[float] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)

    def add(self, verdict: Verdict, truth: float) -> None:
        test = verdict.profit
        assert test is not None
        self.trials += 1
        self.decisions[verdict.decision] += 1
        self.guards.update((one.name, one.outcome) for one in verdict.guards)
        self.by_point += test.difference > 0
        self.wrongly += verdict.passed and truth < 0
        self.surely_less += test.high < 0
        self.held += test.low <= truth <= test.high
        self.apart.append(100 * truth / test.production)
        self.labels += [test.labels_needed] if test.labels_needed else []


def run(
    pair: Pair,
    trials: int,
    people: Population,
    *,
    sizes: tuple[int, ...] = SIZES,
    truth: float | None = None,
    seed: int,
) -> dict[int, Tally]:
    """Judge a pair on the first rows of each trial's customers.

    Args:
        truth: the true difference; None: it is what is true of the trial's customers.
    """
    tallies = {size: Tally() for size in sizes or SIZES}
    for trial in range(trials):
        drawn, target = people.sample(max(tallies), np.random.default_rng([seed, trial]))
        new, old = pair(trial, drawn, target)
        true = truth if truth is not None else _truth(people, new, old, drawn)
        for size, tally in tallies.items():
            tally.add(judge(people.evidence(drawn[:size], target[:size], new[:size], old[:size]), GATE), true)
    return tallies


def _truth(people: Population, new: np.ndarray, old: np.ndarray, drawn: np.ndarray | None = None) -> float:
    """Return by how much the candidate truly earns more, with everybody or with who was drawn."""
    first, second = (people.true_profit(one, SHARE, drawn) for one in (new, old))
    return first - second


def run_fixed(
    new: np.ndarray,
    old: np.ndarray,
    trials: int,
    people: Population,
    *,
    sizes: tuple[int, ...] | None = None,
    seed: int,
) -> dict[int, Tally]:
    """Judge two versions that have said something of everybody."""
    truth = _truth(people, new, old)
    return run(lambda _, drawn, __: (new[drawn], old[drawn]), trials, people, sizes=sizes, truth=truth, seed=seed)


def trained_pair(way: str, people: Population) -> Pair:
    def pair(trial: int, drawn: np.ndarray, _: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first, second = trained(way, trial, people)
        return first(drawn), second(drawn)

    return pair


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions that have said something of everybody, each of shape (people,)."""

    best: np.ndarray
    equal: np.ndarray
    worse: dict[int, np.ndarray]


def versions(people: Population) -> Versions:
    rng = np.random.default_rng(0)
    noise, other = (UNSURE * rng.normal(size=(2, len(people.chance)))).astype(np.float64)
    best, equal = (unsure(people.chance, one) for one in (noise, other))
    worse = {percent: worse_by(percent, noise, SHARE, people) for percent in BETTER}
    return Versions(best, equal, worse)


def rate(hits: int, of: int) -> str:
    found = share(hits, of)
    return f"{found.value:.1%} ({found.low:.1%} – {found.high:.1%})"


def equals(found: dict[str, dict[int, Tally]]) -> Iterator[str]:
    """Yield how often an equal is promoted."""
    yield "| equals | labels | promoted | and truly worse | held | rejected | by a point-estimate gate | truly apart |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for name, tallies in found.items():
        for size, one in tallies.items():
            counted = (one.decisions["promote"], one.wrongly, one.decisions["hold"], one.decisions["reject"])
            cells = " | ".join(rate(hits, one.trials) for hits in counted)
            apart = np.abs(one.apart).mean()
            yield f"| {name} | {size:,} | {cells} | {rate(one.by_point, one.trials)} | ±{apart:.2f} % |"


def power(found: dict[int, dict[int, Tally]]) -> Iterator[str]:
    """Yield how often a better version is promoted."""
    yield "| truly better by | labels | promoted | held | rejected | more labels needed, median of those held |"
    yield "|---|--:|--:|--:|--:|--:|"
    for percent, tallies in found.items():
        for size, one in tallies.items():
            cells = " | ".join(rate(one.decisions[what], one.trials) for what in ("promote", "hold", "reject"))
            labels = f"{int(np.median(one.labels)):,}" if one.labels else "–"
            yield f"| +{percent} % | {size:,} | {cells} | {labels} |"


def guard_rails(found: dict[str, dict[int, Tally]]) -> Iterator[str]:
    """Yield how often each guard-rail fails an equal, or can't tell."""
    names = list(
        dict.fromkeys(name for tallies in found.values() for one in tallies.values() for name, _ in one.guards)
    )
    yield f"| equals | labels |{''.join(f' {name} |' for name in names)} roc_auc undecided | calibration undecided |"
    yield "|---|--:|" + "--:|" * (len(names) + 2)
    for title, tallies in found.items():
        for size, one in tallies.items():
            cells = " | ".join(rate(one.guards[name, "failed"], one.trials) for name in names)
            open_ones = " | ".join(
                rate(one.guards[name, "undecided"], one.trials) for name in ("roc_auc", "calibration")
            )
            yield f"| {title} | {size:,} | {cells} | {open_ones} |"


def coverage(found: dict[str, dict[int, Tally]]) -> Iterator[str]:
    """Yield how often the interval of the profit's difference holds the truth."""
    sizes = list(next(iter(found.values())))
    yield f"| pair |{''.join(f' {size:,} labels |' for size in sizes)}"
    yield "|---|" + "--:|" * len(sizes)
    for name, tallies in found.items():
        yield f"| {name} |{''.join(f' {rate(one.held, one.trials)} |' for one in tallies.values())}"


def faults(made: Versions, people: Population) -> dict[str, tuple[np.ndarray, str]]:
    """Return candidates that must be rejected, each with the guard-rail that is to say why ("profit": the test)."""
    spoiled, here = made.best.copy(), people.parts["PaymentMethod is Mailed check"]
    spoiled[here] = np.random.default_rng(3).permutation(spoiled[here])
    return {
        "earns 5 % less": (made.worse[5], "profit"),
        "earns 10 % less": (made.worse[10], "profit"),
        "is too sure: log-odds × 1.5": (too_sure(made.best, 1.5), "calibration"),
        "promises too much: log-odds + 0.5": (too_sure(made.best, 1, 0.5), "calibration"),
        f"knows nothing of who pays by mailed check ({here.mean():.0%})": (spoiled, "parts"),
    }


def leaking_pair(made: Versions) -> Pair:
    """The candidate sees a trace of the outcome, and weighs it rightly."""

    def pair(trial: int, drawn: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        trace = TRACE * target + np.random.default_rng([9, trial]).normal(size=len(target))
        return expit(logit(made.best[drawn]) + TRACE * trace - TRACE**2 / 2), made.best[drawn]

    return pair


def rejections(trials: int, made: Versions, people: Population) -> Iterator[str]:
    """Yield how often a candidate with a fault is rejected, and for its own reason."""
    found = {
        name: (run_fixed(candidate, made.best, trials, people, seed=30 + place), reason)
        for place, (name, (candidate, reason)) in enumerate(faults(made, people).items())
    }
    found["knows a trace of the outcome"] = (run(leaking_pair(made), trials, people, seed=40), "too good")
    yield "| the candidate | labels | promoted | held | rejected | the reason | of all: rejected for it |"
    yield "|---|--:|--:|--:|--:|---|--:|"
    for name, (tallies, reason) in found.items():
        for size, one in tallies.items():
            cells = " | ".join(rate(one.decisions[what], one.trials) for what in ("promote", "hold", "reject"))
            right = one.surely_less if reason == "profit" else one.guards[reason, "failed"]
            yield f"| {name} | {size:,} | {cells} | {reason} | {rate(right, one.trials)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.promotion.gate", description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the page with the section")
    asked = parser.parse_args()
    started = perf_counter()
    section = "\n".join(_section(asked.trials, started))
    page = asked.results.read_text(encoding="utf-8") if asked.results.is_file() else "# Results\n"
    asked.results.write_text(replace_section(page, SECTION, section), encoding="utf-8")
    _say(f"written to {asked.results}")


def _section(trials: int, started: float) -> Iterator[str]:
    people = population()
    made = versions(people)
    same = {WAYS[way]: run(trained_pair(way, people), trials, people, seed=10) for way in WAYS}
    _say("equals that were trained")
    same[EQUAL] = run_fixed(made.equal, made.best, trials, people, seed=20)
    better = {
        percent: run_fixed(made.best, made.worse[percent], trials, people, seed=20 + percent) for percent in BETTER
    }
    _say("better ones")
    yield "## The gate\n"
    yield (
        f"Written by `python -m benchmarks.promotion.gate --trials {trials}`. "
        f"{(__doc__ or '').partition(chr(10) * 2)[2]}\n"
        f"{trials} trials a line, each with new customers; 95 % intervals (Wilson). *Truly apart*: the mean of how "
        f"far two such versions truly differ. A gain must be worth {GATE.worth_percent:g} % to be promoted.\n"
    )
    yield "### Equals: is chance promoted?\n"
    yield from equals(same)
    yield "\n### Better ones: is a gain found?\n"
    yield from power(better)
    yield "\n### How often each guard-rail fails an equal\n"
    yield from guard_rails(same)
    yield "\n### How often the interval of the profit's difference holds the truth (to be: 95 %)\n"
    yield from coverage({EQUAL: same[EQUAL], **{f"better by {percent} %": one for percent, one in better.items()}})
    yield "\n### Candidates with a fault\n"
    yield from rejections(max(1, trials // 3), made, people)
    yield (
        f"\n{datetime.now(UTC):%Y-%m-%d}, {process_time():.0f} s of processor time, "
        f"{perf_counter() - started:.0f} s beside other work, {os.cpu_count()} cores "
        f"({platform.machine()}), Python {platform.python_version()}, numpy {np.__version__}."
    )


def _say(text: str) -> None:
    print(f"gate: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
