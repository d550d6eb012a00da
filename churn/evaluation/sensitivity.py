"""Sensitivity: what the campaign would earn if the economics were half, or half as much again, of what was assumed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from churn.contract.economics import Economics
from churn.evaluation.scored import Scored
from churn.evaluation.threshold import best_threshold

FACTORS = (0.5, 1.5)


@dataclass(frozen=True, slots=True)
class Swing:
    """One assumption at 50 % and at 150 %; profits are per customer of the table, contacted or not.

    Attributes:
        name: the assumption.
        at_half: profit of the campaign as planned when the assumption is half.
        at_more: profit of the campaign as planned when it is half as much again; a share is at most 1.
        threshold_at_half: the threshold that would be best at half.
        threshold_at_more: the threshold that would be best at half as much again.
        replanned_at_half: profit at half with that threshold.
        replanned_at_more: profit at half as much again with that threshold.
    """

    name: str
    at_half: float
    at_more: float
    threshold_at_half: float
    threshold_at_more: float
    replanned_at_half: float
    replanned_at_more: float

    @property
    def span(self) -> float:
        """How far the profit of the planned campaign moves."""
        return abs(self.at_more - self.at_half)


@dataclass(frozen=True, slots=True)
class _World:
    """Customers and economics under one assumption."""

    name: str
    scored: Scored
    economics: Economics
    success: float

    def profit(self, threshold: float) -> float:
        slope, offset = self.scored.earnings(self.economics)
        return float(((self.success * slope + offset) * (self.scored.probability >= threshold)).mean())

    def best(self) -> float:
        return best_threshold(self.scored, self.economics, success=self.success).value


def sensitivity(scored: Scored, economics: Economics, threshold: float) -> tuple[Swing, ...]:
    """Return one swing per assumption, the strongest first."""
    worlds = zip(*(_worlds(scored, economics, factor) for factor in FACTORS), strict=True)
    swings = (_swing(half, more, threshold) for half, more in worlds)
    return tuple(sorted(swings, key=lambda swing: -swing.span))


def _swing(half: _World, more: _World, threshold: float) -> Swing:
    best_at_half, best_at_more = half.best(), more.best()
    return Swing(
        name=half.name,
        at_half=half.profit(threshold),
        at_more=more.profit(threshold),
        threshold_at_half=best_at_half,
        threshold_at_more=best_at_more,
        replanned_at_half=half.profit(best_at_half),
        replanned_at_more=more.profit(best_at_more),
    )


def _worlds(scored: Scored, economics: Economics, factor: float) -> Iterator[_World]:
    """Yield the world with each assumption changed alone."""
    success = economics.offer_success.mean
    dearer_offer = economics.model_copy(update={"offer_cost": economics.offer_cost * factor})
    dearer_contact = economics.model_copy(update={"contact_cost": economics.contact_cost * factor})
    yield _World("customer value", replace(scored, value=scored.value * factor), economics, success)
    yield _World("offer success", scored, economics, float(np.minimum(success * factor, 1.0)))
    yield _World("offer cost", scored, dearer_offer, success)
    yield _World("contact cost", scored, dearer_contact, success)
