"""A logistic regression by columns, in numpy alone: the known reason why a table's customers leave."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from churn.data.simulation.chance import chances
from churn.data.simulation.people import Floats, Traits

MOST_ROWS = 20_000
STEPS = 12
RIDGE = 1.0
"""In rows: enough to hold a category that few customers have."""


@dataclass(frozen=True, slots=True)
class NumberPart:
    """What a number adds: `weight` per spread above the mean, or `missing` when there is none."""

    mean: float
    spread: float
    weight: float
    missing: float


@dataclass(frozen=True, slots=True)
class Logistic:
    """Log-odds as a sum over columns.

    Attributes:
        intercept: what is added for everybody.
        numbers: by column.
        weights: by category, what each of its codes adds; the last is for UNKNOWN.
    """

    intercept: float
    numbers: Mapping[str, NumberPart]
    weights: Mapping[str, Floats]

    def log_odds(self, traits: Traits, factors: Mapping[str, float]) -> Floats:
        """Return log-odds of shape (rows,), each column's part multiplied by its factor."""
        parts = [np.asarray(self.intercept)]
        for name, part in self.numbers.items():
            column = traits.numbers[name]
            known = part.weight * (column - part.mean) / part.spread
            parts.append(factors.get(name, 1.0) * np.where(np.isnan(column), part.missing, known))
        parts += [factors.get(name, 1.0) * known[traits.codes[name]] for name, known in self.weights.items()]
        return np.asarray(sum(parts))


def fit_logistic(traits: Traits, target: np.ndarray) -> Logistic:
    """Fit by Newton's method with a little ridge; of a large table its first rows.

    Args:
        traits: of shape (rows,).
        target: 1 for who left, shape (rows,).
    """
    target = np.asarray(target[:MOST_ROWS], np.float64)
    traits = traits.at(np.arange(len(target)))
    scales = {name: _scale(column) for name, column in traits.numbers.items()}
    blocks = [np.ones((len(target), 1))]
    blocks += [_number_block(column, *scales[name]) for name, column in traits.numbers.items()]
    blocks += [_category_block(codes, len(traits.values[name])) for name, codes in traits.codes.items()]
    weights = _solved(np.hstack(blocks), target)
    found = iter(np.split(weights, np.cumsum([block.shape[1] for block in blocks])[:-1]))
    intercept = float(next(found)[0])
    numbers = {name: NumberPart(*scales[name], *map(float, next(found))) for name in traits.numbers}
    return Logistic(intercept, numbers, {name: next(found) for name in traits.codes})


def _scale(column: Floats) -> tuple[float, float]:
    known = column[~np.isnan(column)]
    if not len(known):
        return 0.0, 1.0
    return float(known.mean()), float(known.std()) or 1.0


def _number_block(column: Floats, mean: float, spread: float) -> Floats:
    is_missing = np.isnan(column)
    return np.column_stack([np.where(is_missing, 0.0, (column - mean) / spread), is_missing])


def _category_block(codes: np.ndarray, values: int) -> Floats:
    return np.asarray(np.eye(values + 1)[codes])  # UNKNOWN, -1, is the last


def _solved(design: Floats, target: Floats) -> Floats:
    weights = np.zeros(design.shape[1])
    ridge = np.full(design.shape[1], RIDGE)
    ridge[0] = 1e-6
    for _ in range(STEPS):
        chance = chances(design @ weights)
        slope = design.T @ (target - chance) - ridge * weights
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(ridge)
        weights = weights + np.linalg.solve(curve, slope)
    return weights
