"""Two versions and customers whose truth is known, for the gate."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from churn.evaluation.gate import Contender, Evidence, Rows

GAIN, LOSS = 130.0, -11.0
"""What contacting a leaver and a stayer earns."""


@dataclass(frozen=True)
class World:
    """How well both versions see the log-odds: 0 is perfectly."""

    candidate: float = 0.3
    production: float = 0.3
    rows: int = 4_000
    seed: int = 0


def contender(probability: np.ndarray) -> Contender:
    return Contender(probability, probability * GAIN + (1 - probability) * LOSS, 0.3)


def rows_of(target: np.ndarray, **more: object) -> Rows:
    return Rows(target, np.where(target == 1, GAIN, LOSS), **more)  # type: ignore[arg-type]


def rivals(world: World) -> Evidence:
    """Let customers leave, and both versions say what they see, calibrated."""
    rng = np.random.default_rng(world.seed)
    log_odds = rng.normal(-1.4, 1.6, world.rows)
    target = (rng.random(world.rows) < expit(log_odds)).astype(np.int64)
    new, old = (_seen(log_odds, noise, rng) for noise in (world.candidate, world.production))
    return Evidence(rows_of(target), contender(new), contender(old))


def swapped(evidence: Evidence) -> Evidence:
    assert evidence.production is not None
    return replace(evidence, candidate=evidence.production, production=evidence.candidate)


def _seen(log_odds: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """What is known of normal log-odds that are seen through normal noise."""
    share = 1.6**2 / (1.6**2 + noise**2)
    mean = -1.4 + share * (log_odds + rng.normal(0, noise, len(log_odds)) + 1.4)
    spread = np.sqrt(1.6**2 * (1 - share))
    return np.asarray(expit(mean[:, None] + spread * np.linspace(-2, 2, 9)) @ WEIGHTS)


WEIGHTS = np.exp(-(np.linspace(-2, 2, 9) ** 2) / 2) / np.exp(-(np.linspace(-2, 2, 9) ** 2) / 2).sum()
