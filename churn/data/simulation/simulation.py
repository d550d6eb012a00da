"""The simulation: a world lived through, month by month."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np

from churn.data.simulation.chance import MONTH_DAYS, Draw, chances, leaving_days, uniforms
from churn.data.simulation.month import Month
from churn.data.simulation.people import Flags, Floats, Integers, People, Traits
from churn.data.simulation.truth import Truth, sleeping_dogs, success_of, truth_of
from churn.data.simulation.world import World


def simulate(world: World) -> Iterator[Month]:
    """Live through a world; months are made one by one.

    Raises:
        UsageError: a shift or a campaign names what the source does not have.
    """
    return _followed(world) if world.is_followed else _passing(world)


def _followed(world: World) -> Iterator[Month]:
    life = _Life(truth_of(world, _all_people(world)))
    is_gone = np.zeros(life.people.rows, dtype=bool)
    for number in range(1, world.months + 1):
        rows = np.flatnonzero(~is_gone & (life.people.born <= number))
        month = life.month(number, rows)
        is_gone[rows] = month.left
        yield month


def _passing(world: World) -> Iterator[Month]:
    intercept = None
    for number in range(1, world.months + 1):
        ids, traits = world.source.draw(world.customers, first_row=(number - 1) * world.customers, seed=world.seed)
        people = People(ids, np.full(world.customers, number), traits, batch=number)
        life = _Life(truth_of(world, people, intercept=intercept))
        intercept = life.truth.intercept
        yield life.month(number, np.arange(world.customers))


def _all_people(world: World) -> People:
    """Draw everybody who will ever be there; how many come does not depend on campaigns."""
    arrivals = _arrivals(world)
    born = np.concatenate([np.full(world.customers, 1), np.repeat(np.arange(2, world.months + 1), arrivals)])
    ids, traits = world.source.draw(len(born), first_row=0, seed=world.seed)
    return People(ids, born, world.source.newborn(traits, born > 1), batch=0)


def _arrivals(world: World) -> int:
    if world.arrivals is not None:
        return world.arrivals
    ids, traits = world.source.draw(world.customers, first_row=0, seed=world.seed)
    people = People(ids, np.full(world.customers, 1), traits, batch=0)
    truth = truth_of(replace(world, shifts=(), campaigns=()), people)
    return round(float(chances(truth.log_odds(traits, 1)).sum()))


@dataclass(slots=True)
class _Life:
    """What happens to some people; remembers whom campaigns have contacted."""

    truth: Truth
    contacted: dict[int, Flags] = field(default_factory=dict)

    @property
    def world(self) -> World:
        return self.truth.world

    @property
    def people(self) -> People:
        return self.truth.people

    def month(self, number: int, rows: Integers) -> Month:
        """Live through a month with the customers of some rows."""
        traits = self.truth.traits(rows, number)
        log_odds = self.truth.log_odds(traits, number)
        without = chances(log_odds)
        self._contact(number, rows, without)
        fate = self._fate(number, rows, traits, log_odds)
        seen = np.zeros(len(rows)) if self.world.is_followed else MONTH_DAYS * self._uniforms(Draw.SEEN, number)[rows]
        left_days = seen + fate.days
        return Month(
            number=number,
            start=self.world.start + timedelta(days=MONTH_DAYS * (number - 1)),
            customer_ids=self.people.ids[rows],
            columns=_as_columns(self.truth.recorded(traits, rows, number), self.world.source.names),
            seen_days=seen,
            hazard=fate.hazard,
            hazard_without=without,
            probability=self.truth.probability(without, rows, number),
            left_days=left_days,
            would_leave=fate.would_leave,
            is_contacted=fate.is_contacted,
            reported_days=self._reported(number, rows, np.where(np.isnan(left_days), seen + MONTH_DAYS, left_days)),
        )

    def _contact(self, number: int, rows: Integers, hazard: Floats) -> None:
        """Choose whom the campaigns of this month contact, among those who are there."""
        for place, campaign in enumerate(self.world.campaigns):
            if campaign.month != number:
                continue
            is_contacted = np.zeros(self.people.rows, dtype=bool)
            drawn = self._uniforms(Draw.CONTACT, place)[rows]
            is_contacted[rows] = (hazard >= campaign.above) & (drawn < campaign.share)
            self.contacted[place] = is_contacted

    def _fate(self, number: int, rows: Integers, traits: Traits, log_odds: Floats) -> "_Fate":
        """Let leave who leaves. Contact changes chances, never the numbers that are drawn."""
        point, hazard = self._uniforms(Draw.LEAVING, number)[rows], chances(log_odds)
        fate = _Fate(hazard, leaving_days(point, hazard), point < hazard, np.zeros(len(rows), dtype=bool))
        for place, is_contacted in self.contacted.items():
            campaign = self.world.campaigns[place]
            if number < campaign.month + campaign.lasts_months:
                reached = is_contacted[rows] & ~fate.is_contacted
                dogs = reached & sleeping_dogs(self.world, place, self.people)[rows]
                response = self._uniforms(Draw.RESPONSE, place, number)[rows]
                fate = fate.kept(reached & ~dogs, success_of(campaign, traits, len(rows)), response)
                fate = fate.woken(dogs, point, chances(log_odds + campaign.wakes))
        return fate

    def _reported(self, number: int, rows: Integers, observed: Floats) -> Floats:
        reports = self.world.reports
        extra = -reports.mean_extra_days * np.log1p(-self._uniforms(Draw.DELAY, number)[rows])
        is_lost = self._uniforms(Draw.LOST_REPORT, number)[rows] < reports.lost_share
        return np.where(is_lost, np.nan, observed + reports.delay_days + extra)

    def _uniforms(self, draw: Draw, *place: int) -> Floats:
        return uniforms(self.world.seed, draw, *place, self.people.batch, rows=self.people.rows)


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of customers in a month; see Month."""

    hazard: Floats
    days: Floats
    would_leave: Flags
    is_contacted: Flags

    def kept(self, reached: Flags, success: Floats, response: Floats) -> "_Fate":
        """Keep those of the would-be leavers whom the offer reaches and convinces."""
        hazard = np.where(reached, self.hazard * (1 - success), self.hazard)
        days = np.where(reached & (response < success), np.nan, self.days)
        return _Fate(hazard, days, self.would_leave, self.is_contacted | reached)

    def woken(self, dogs: Flags, point: Floats, hazard: Floats) -> "_Fate":
        """Let leave whom contact puts off."""
        days = np.where(dogs, leaving_days(point, hazard), self.days)
        return _Fate(np.where(dogs, hazard, self.hazard), days, self.would_leave, self.is_contacted | dogs)


def _as_columns(traits: Traits, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    return {
        name: traits.numbers[name] if name in traits.numbers else _texts(traits.values[name], traits.codes[name])
        for name in names
    }


def _texts(values: tuple[str, ...], codes: Integers) -> np.ndarray:
    return np.array([*values, ""], dtype=object)[codes]  # UNKNOWN, -1, is the last
