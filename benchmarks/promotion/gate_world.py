"""A population whose chances of leaving are known, and versions whose true profit follows from them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import expit, logit

from churn.contract.economics import Economics
from churn.data.simulation.chance import chances
from churn.data.simulation.people import Traits
from churn.data.simulation.telco import TelcoSource
from churn.evaluation.gate import Contender, Evidence, Rows
from churn.evaluation.gate.contacts import contact
from churn.retention.profit import expected_profit

PEOPLE = 200_000
TRAINED_ON = 5_634
"""Rows of the Telco file without its holdout."""

ECONOMICS = Economics(value_column="MonthlyCharges", margin_ratio=0.6)
NEAREST, BINS, HALVINGS = 0.0005, 400, 18
UNSURE = 0.25
"""Noise on the log-odds that gives ROC-AUC 0.846, what the best version reaches on Telco."""

Version = Callable[[np.ndarray], np.ndarray]
"""Takes rows of the population, returns probabilities."""


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody; arrays of shape (people,)."""

    traits: Traits
    chance: np.ndarray
    worth: np.ndarray
    columns: np.ndarray
    """Of shape (people, columns), categories as codes."""

    parts: dict[str, np.ndarray]

    def sample(self, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw customers with their outcomes; the population is the truth that they are drawn from."""
        drawn = rng.integers(len(self.chance), size=rows)
        return drawn, (rng.random(rows) < self.chance[drawn]).astype(np.int64)

    def contender(self, drawn: np.ndarray, probability: np.ndarray) -> Contender:
        return Contender(probability, expected_profit(probability, self.worth[drawn], ECONOMICS), 0.3)

    def evidence(self, drawn: np.ndarray, target: np.ndarray, new: np.ndarray, old: np.ndarray) -> Evidence:
        earned = expected_profit(target, self.worth[drawn], ECONOMICS)
        parts = {name: mask[drawn] for name, mask in self.parts.items()}
        rows = Rows(target, earned, parts=parts)
        return Evidence(rows, self.contender(drawn, new), self.contender(drawn, old))

    def true_profit(self, probability: np.ndarray, share: float | None, rows: np.ndarray | None = None) -> float:
        """Return what a version's campaign earns on average, with everybody or some rows."""
        here = np.arange(len(self.chance)) if rows is None else rows
        earned = expected_profit(self.chance[here], self.worth[here], ECONOMICS)
        return contact(expected_profit(probability, self.worth[here], ECONOMICS), earned, share).profit


@lru_cache(maxsize=2)
def population(people: int = PEOPLE) -> Population:
    source = TelcoSource()
    _, traits = source.draw(people, first_row=0, seed=1)
    chance = np.clip(chances(source.log_odds(traits, {})), NEAREST, 1 - NEAREST)
    columns = np.column_stack([*traits.numbers.values(), *traits.codes.values()])
    parts = {
        f"{name} is {value}": traits.codes[name] == code
        for name, values in traits.values.items()
        if name in traits.codes
        for code, value in enumerate(values)
    }
    return Population(traits, chance, traits.numbers["MonthlyCharges"] * 12 * 0.6, columns, parts)


def unsure(chance: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return what a calibrated version says that sees the log-odds through noise; both of shape (people,)."""
    seen = logit(chance) + noise
    order = np.argsort(seen, kind="stable")
    bins = np.array_split(order, BINS)
    return np.interp(seen, [seen[one].mean() for one in bins], [chance[one].mean() for one in bins])


def worse_by(percent: float, noise: np.ndarray, share: float, people: Population) -> np.ndarray:
    """Return a version than which that of less noise truly earns so many percent more."""
    low, high, wanted = 0.0, 8.0, people.true_profit(unsure(people.chance, noise), share) / (1 + percent / 100)
    extra = np.random.default_rng(7).normal(size=len(noise))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_better = people.true_profit(unsure(people.chance, noise + middle * extra), share) > wanted
        low, high = (middle, high) if is_better else (low, middle)
    return unsure(people.chance, noise + high * extra)


def trained(way: str, seed: int, people: Population) -> tuple[Version, Version]:
    """Train two versions one way on the same customers; they differ in the seed, or in what was drawn of them."""
    rng = np.random.default_rng([seed, 1])
    drawn, target = people.sample(TRAINED_ON, rng)
    return tuple(_version(way, [seed, 2, one], (drawn, target), people) for one in (0, 1))  # type: ignore[return-value]


def _version(way: str, seed: list[int], learned: tuple[np.ndarray, np.ndarray], people: Population) -> Version:
    from lightgbm import LGBMClassifier

    (drawn, target), rng = learned, np.random.default_rng(seed)
    model = LGBMClassifier(
        n_estimators=60, learning_rate=0.05, num_leaves=15, min_child_samples=40, subsample=0.7, subsample_freq=1,
        colsample_bytree=0.7, n_jobs=1, verbose=-1, random_state=int(rng.integers(2**31)),
    )  # fmt: skip
    used = rng.integers(len(drawn), size=len(drawn)) if way == "bootstrap" else np.arange(len(drawn))
    booster = model.fit(people.columns[drawn[used]], target[used]).booster_
    return lambda rows: np.asarray(booster.predict(people.columns[rows], num_threads=1))


def too_sure(probability: np.ndarray, slope: float, shift: float = 0.0) -> np.ndarray:
    """Stretch and move a version's log-odds."""
    return expit(slope * logit(np.clip(probability, NEAREST, 1 - NEAREST)) + shift)
