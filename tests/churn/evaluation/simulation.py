"""Customers with known probabilities, to hold statistics against the truth."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

SHIFTS = {0.26: -1.42, 0.10: -2.95}
"""Base rate → mean of the log-odds."""


@dataclass(frozen=True)
class World:
    """Customers whose log-odds are normal, scored by a model that stretches them."""

    base_rate: float = 0.26
    stretch: float = 1.0
    noise: float = 0.0

    def draw(self, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return labels and scores."""
        rng = np.random.default_rng([seed, rows])
        log_odds = rng.normal(SHIFTS[self.base_rate], 1.5, rows)
        labels = (rng.random(rows) < expit(log_odds)).astype(np.int8)
        return labels, expit(self.stretch * log_odds + rng.normal(0, 1, rows) * self.noise)
