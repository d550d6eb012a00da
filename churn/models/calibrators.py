"""Calibrators: what a model's log-odds say, turned into the probability that comes true. None of them ever falls.

Methods: Platt, "Probabilistic outputs for support vector machines", 1999 (sigmoid, with his softened targets); Guo et
al., "On calibration of modern neural networks", 2017 (temperature); Zadrozny and Elkan, 2002 (isotonic).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.isotonic import isotonic_regression

from churn.features.graph import GraphBuilder

STEEPEST = 10.0
"""Change of log-odds, or of probability, per log-odd: float32 noise of 1e-6 stays below the parity bound."""

MOST_BINS = 50
FEWEST_IN_BIN = 25
NARROWEST = 1 / STEEPEST
"""Between the centres of two bins, in log-odds."""


class Calibrator(Protocol):
    """A fitted calibrator."""

    @property
    def name(self) -> str:
        """The method, as METHODS names it."""

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities of the model's log-odds, both float64 of shape (rows,)."""

    def log_odds(self, margin: np.ndarray) -> np.ndarray:
        """Return the log-odds of the calibrated probabilities: finite, float64 of shape (rows,)."""

    def onnx(self, graph: GraphBuilder, margin: str) -> str:
        """Add it to a graph: log-odds (rows, 1) to probabilities (rows, 1)."""


@dataclass(frozen=True, slots=True)
class Line:
    """Calibrated log-odds = slope · log-odds + intercept: none, temperature and sigmoid."""

    name: str
    slope: float = 1.0
    intercept: float = 0.0

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        """See Calibrator."""
        return np.asarray(expit(self.log_odds(log_odds)))

    def log_odds(self, margin: np.ndarray) -> np.ndarray:
        """See Calibrator."""
        return self.slope * np.asarray(margin, np.float64) + self.intercept

    def onnx(self, graph: GraphBuilder, margin: str) -> str:
        """See Calibrator."""
        scaled = graph.add("Mul", margin, graph.constant(self.slope))
        return graph.curved("Sigmoid", graph.add("Add", scaled, graph.constant(self.intercept)))


@dataclass(frozen=True, slots=True)
class Curve:
    """Straight lines between (log-odds, probability) points that rise, level beyond the ends: isotonic.

    Attributes:
        centres: log-odds, at least NARROWEST apart.
        values: probabilities, never 0 or 1.
    """

    centres: tuple[float, ...]
    values: tuple[float, ...]
    name: str = "isotonic"

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        """See Calibrator."""
        return np.asarray(np.interp(log_odds, self.centres, self.values))

    def log_odds(self, margin: np.ndarray) -> np.ndarray:
        """See Calibrator."""
        return np.asarray(logit(self.probability(margin)))

    def onnx(self, graph: GraphBuilder, margin: str) -> str:
        """Climb each line as far as the margin goes: first value + Σ slope · clip(margin - centre, 0, width)."""
        lines = self if len(self.centres) > 1 else Curve((self.centres[0], self.centres[0] + 1), self.values * 2)
        widths, rises = np.diff(lines.centres), np.diff(lines.values)
        apart = graph.add("Sub", margin, graph.constant(np.array([lines.centres[:-1]])))
        climbed = graph.add("Min", graph.add("Max", apart, graph.constant(0.0)), graph.constant(widths[None, :]))
        risen = graph.add("Mul", climbed, graph.constant((rises / widths)[None, :]))
        return graph.add("Add", graph.row_sum(risen, len(widths)), graph.constant(lines.values[0]))


def fit_none(log_odds: np.ndarray, target: np.ndarray) -> Line:
    """Believe the model."""
    del log_odds, target
    return Line("none")


def fit_temperature(log_odds: np.ndarray, target: np.ndarray) -> Line:
    """Find the slope alone: for a model that is too sure or too shy, and right on average."""
    return Line("temperature", *_fit_line(log_odds[:, None], target))


def fit_sigmoid(log_odds: np.ndarray, target: np.ndarray) -> Line:
    """Find slope and intercept."""
    return Line("sigmoid", *_fit_line(np.column_stack([log_odds, np.ones(len(log_odds))]), target))


def fit_isotonic(log_odds: np.ndarray, target: np.ndarray) -> Curve:
    """Find the rising curve through the leaver rates of quantile bins."""
    bins = list(_bins(log_odds))
    rows = np.array([len(one) for one in bins])
    lowest = 0.5 / (len(log_odds) / len(bins) + 1)  # what half a leaver in a bin would be: no rate is ever 0 or 1
    rates = np.array([target[one].mean() for one in bins])
    rising = isotonic_regression(rates, sample_weight=rows, y_min=lowest, y_max=1 - lowest)
    return Curve(tuple(float(log_odds[one].mean()) for one in bins), tuple(rising.tolist()))


METHODS: dict[str, Callable[[np.ndarray, np.ndarray], Calibrator]] = {
    "none": fit_none,
    "temperature": fit_temperature,
    "sigmoid": fit_sigmoid,
    "isotonic": fit_isotonic,
}
"""(out-of-fold log-odds, target) → fitted calibrator; from the simplest to the most flexible."""


def _fit_line(terms: np.ndarray, target: np.ndarray) -> list[float]:
    """Minimise the log loss; Platt's softened targets keep the slope finite when leavers and stayers separate."""
    left = float(target.sum())
    softened = np.where(target == 1, (left + 1) / (left + 2), 1 / (len(target) - left + 2))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        said = terms @ weights
        return float(np.mean(np.logaddexp(0, said) - softened * said)), (expit(said) - softened) @ terms / len(said)

    start, bounds = np.eye(terms.shape[1])[0], [(0.0, STEEPEST), (None, None)][: terms.shape[1]]
    return list(map(float, minimize(loss, start, method="L-BFGS-B", jac=True, bounds=bounds).x))


def _bins(log_odds: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of equally full bins, in order; neighbours whose centres are too close become one."""
    order = np.argsort(log_odds, kind="stable")
    merged: list[np.ndarray] = []
    for rows in np.array_split(order, int(np.clip(len(order) // FEWEST_IN_BIN, 1, MOST_BINS))):
        merged.append(rows)
        while len(merged) > 1 and log_odds[merged[-1]].mean() - log_odds[merged[-2]].mean() < NARROWEST:
            merged[-2:] = [np.concatenate(merged[-2:])]
    return iter(merged)
