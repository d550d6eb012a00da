"""Chance: every random number of a world has an address, so that worlds that differ in one thing share the others."""

from enum import IntEnum

import numpy as np

from churn.data.simulation.people import Floats

MONTH_DAYS = 30
"""A simulated month."""


class Draw(IntEnum):
    """What a random number decides; the number is part of its address and never changes."""

    LEAVING = 101
    SEEN = 102
    DELAY = 103
    LOST_REPORT = 104
    SHIFT = 105
    CONTACT = 106
    RESPONSE = 107
    TEMPER = 108


def uniforms(seed: int, draw: Draw, *place: int, rows: int) -> Floats:
    """Return one number in [0, 1) per customer; more customers begin with the same numbers.

    Args:
        seed: of the world.
        draw: what it decides.
        place: month, shift or campaign, and batch of people.
        rows: how many customers.
    """
    return np.random.default_rng([seed, int(draw), *place]).random(rows)


def chances(log_odds: Floats) -> Floats:
    """Return probabilities; -inf gives 0."""
    return np.where(np.isneginf(log_odds), 0.0, 1 / (1 + np.exp(-np.clip(log_odds, -500, 500))))


def leaving_days(point: Floats, hazard: Floats) -> Floats:
    """Return when in its month each customer leaves, in days; NaN: not at all. The hazard is constant in a month."""
    leaves = point < hazard
    days = np.full(len(point), np.nan)
    sure = np.minimum(hazard[leaves], 1 - 1e-15)
    days[leaves] = MONTH_DAYS * np.minimum(np.log1p(-point[leaves]) / np.log1p(-sure), 1 - 1e-9)
    return days
