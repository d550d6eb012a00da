"""The proof that an explanation adds up: base and contributions are the log-odds of the probability that is served."""

import numpy as np

from churn.bundle.files import Additivity
from churn.errors import BundleError

MAX_DIFFERENCE = 1e-4
NEAREST_TO_CERTAIN = 2.0**-24
"""The largest float32 below 1 is 1 - 2⁻²⁴: nearer to 0 or 1 probabilities can't be told apart, nor their log-odds."""


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Return log(p / (1 - p)) of float32 probabilities, clipped to ±16.6; float64 of the same shape."""
    clipped = np.clip(np.asarray(probability, np.float64), NEAREST_TO_CERTAIN, 1 - NEAREST_TO_CERTAIN)
    return np.asarray(np.log(clipped / (1 - clipped)))


def additivity_gap(contributions: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return how far contributions (rows, columns + 1) are from the log-odds of probabilities (rows,), in log-odds.

    What a probability loses when it is rounded to float32 is no fault of its explanation, and not counted: close to 1
    it is more than the bound.
    """
    total = np.asarray(contributions, np.float64).sum(axis=1)
    clipped = np.clip(np.asarray(probability, np.float64), NEAREST_TO_CERTAIN, 1 - NEAREST_TO_CERTAIN)
    rounding = np.spacing(clipped.astype(np.float32)).astype(np.float64) / (clipped * (1 - clipped))
    return np.asarray(np.maximum(np.abs(total - log_odds(probability)) - rounding, 0))


def prove_additivity(contributions: np.ndarray, probability: np.ndarray) -> Additivity:
    """Compare the sums of contributions, shape (rows, columns + 1), with the probabilities of the same rows.

    Raises:
        BundleError: they differ by more than 1e-4 in log-odds somewhere, or one is not a number.
    """
    gap = additivity_gap(contributions, probability)
    if not len(gap):
        raise BundleError("additivity can't be proven on no rows")
    if not np.all(gap <= MAX_DIFFERENCE):
        worst = int(np.argmax(np.where(np.isnan(gap), np.inf, gap)))
        raise BundleError(
            f"the explanation does not add up to the prediction: row {worst + 1} of {len(gap)} is {gap[worst]:.2e} off "
            f"in log-odds, and {MAX_DIFFERENCE:.0e} is allowed. Nothing was registered."
        )
    return Additivity(rows=len(gap), max_difference=float(gap.max()))
