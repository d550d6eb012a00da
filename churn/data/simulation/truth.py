"""The truth of a world: how likely each customer is to leave, month by month, and what contact does to that."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from churn.data.simulation.chance import MONTH_DAYS, Draw, chances, uniforms
from churn.data.simulation.effects import Moment, applied, faults_in
from churn.data.simulation.people import Flags, Floats, Integers, People, Traits
from churn.data.simulation.shifts import SEEN_ONLY, Shift
from churn.data.simulation.world import Campaign, World
from churn.errors import UsageError

SOLVED_WITHIN = 60
"""Halvings of [-30, 30]: the base rate is exact to the last digits."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of some people.

    Attributes:
        intercept: added to everybody's log-odds, for the world's base rate.
        shares: by place among the world's shifts, how common its value is before it.
    """

    world: World
    people: People
    intercept: float
    shares: Mapping[int, float]

    def traits(self, rows: Integers, month: int) -> Traits:
        """Return what customers are like in a month."""
        here = self.people.at(rows)
        aged = self.world.source.aged(here.traits, month - here.born)
        return self._shifted(aged, rows, month, is_seen_only=False)

    def recorded(self, traits: Traits, rows: Integers, month: int) -> Traits:
        """Return what is recorded of what customers are like."""
        return self._shifted(traits, rows, month, is_seen_only=True)

    def log_odds(self, traits: Traits, month: int) -> Floats:
        """Return the log-odds of leaving within 30 days."""
        season = self.world.season
        wave = season.amplitude * math.cos(2 * math.pi * (month - season.peak_month) / 12)
        base = sum(shift.amount * shift.progress(month) for shift in self._of_kind("base"))
        return self.world.source.log_odds(traits, self._factors(month)) + (self.intercept + wave + base)

    def probability(self, hazard: Floats, rows: Integers, month: int) -> Floats:
        """Return the probability of leaving within the horizon, when nobody is contacted."""
        staying, days = np.ones(len(rows)), float(self.world.horizon_days)
        while True:
            staying = staying * (1 - hazard) ** (min(days, MONTH_DAYS) / MONTH_DAYS)
            days, month = days - MONTH_DAYS, month + 1
            if days <= 0:
                return 1 - staying
            hazard = chances(self.log_odds(self.traits(rows, month), month))

    def _shifted(self, traits: Traits, rows: Integers, month: int, *, is_seen_only: bool) -> Traits:
        for place, shift in enumerate(self.world.shifts):
            if (shift.kind in SEEN_ONLY) is is_seen_only:
                drawn = uniforms(self.world.seed, Draw.SHIFT, place, self.people.batch, rows=self.people.rows)
                moment = Moment(month, drawn[rows], self.shares.get(place, 0.0))
                traits = applied(shift, traits, self.world.source, moment)
        return traits

    def _factors(self, month: int) -> dict[str, float]:
        factors: dict[str, float] = {}
        for shift in self._of_kind("concept"):
            factors[shift.column] = factors.get(shift.column, 1.0) * shift.factor(month)
        return factors

    def _of_kind(self, kind: str) -> list[Shift]:
        return [shift for shift in self.world.shifts if shift.kind == kind]


def truth_of(world: World, people: People, *, intercept: float | None = None) -> Truth:
    """Return what is true of some people.

    Args:
        world: which.
        people: drawn for it.
        intercept: of people who were there before; None: from the base rate and those of the first month.

    Raises:
        UsageError: a shift or a campaign names what the source does not have.
    """
    _refuse_unknown(world, people.traits)
    shares = {
        place: float(
            np.mean(people.traits.codes[shift.column] == people.traits.values[shift.column].index(shift.value))
        )
        for place, shift in enumerate(world.shifts)
        if shift.kind == "share"
    }
    return Truth(world, people, _intercept(world, people) if intercept is None else intercept, shares)


def success_of(campaign: Campaign, traits: Traits, rows: int) -> Floats:
    """Return how likely contact keeps each would-be leaver, shape (rows,)."""
    if not campaign.by:
        return np.full(rows, campaign.success)
    by_code = [campaign.success_by.get(value, campaign.success) for value in traits.values[campaign.by]]
    return np.array([*by_code, campaign.success])[traits.codes[campaign.by]]  # UNKNOWN, -1, is the last


def sleeping_dogs(world: World, place: int, people: People) -> Flags:
    """Return whom contact puts off, of all people."""
    campaign = world.campaigns[place]
    return uniforms(world.seed, Draw.TEMPER, place, people.batch, rows=people.rows) < campaign.sleeping_dogs


def _refuse_unknown(world: World, traits: Traits) -> None:
    faults = [fault for shift in world.shifts for fault in faults_in(shift, world.source, traits)]
    faults += [
        f"a campaign's success can't depend on {each.by!r}: it is no category"
        for each in world.campaigns
        if each.by and each.by not in traits.codes
    ]
    if faults:
        raise UsageError(f"{'; '.join(faults)}; the columns are {', '.join(world.source.names)}")


def _intercept(world: World, people: People) -> float:
    if world.base_rate is None:
        return 0.0
    log_odds = world.source.log_odds(people.traits.at(np.flatnonzero(people.born == 1)), {})
    low, high = -30.0, 30.0
    for _ in range(SOLVED_WITHIN):
        middle = (low + high) / 2
        low, high = (middle, high) if chances(log_odds + middle).mean() < world.base_rate else (low, middle)
    return (low + high) / 2
