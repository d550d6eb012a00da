"""A world: what a simulation is told. Two worlds with one seed differ only in what they are told differently."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from churn.data.simulation.chance import MONTH_DAYS
from churn.data.simulation.people import Source
from churn.data.simulation.shifts import Shift
from churn.data.simulation.telco import TelcoSource
from churn.errors import UsageError

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """A wave of twelve months in the log-odds of leaving.

    Attributes:
        amplitude: log-odds; 0: no season.
        peak_month: number of a month in which it is highest.
    """

    amplitude: float = 0.0
    peak_month: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """How outcomes become known: leavers when they have left, stayers at the end of the month.

    Attributes:
        delay_days: the least that a report takes.
        mean_extra_days: what it takes longer, exponentially distributed.
        lost_share: reports that never come.
    """

    delay_days: float = 0.0
    mean_extra_days: float = 0.0
    lost_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """An offer that some customers get at the beginning of a month.

    Attributes:
        month: its number.
        offer: its name.
        share: of the customers in question who are contacted, at random.
        above: only those with at least this chance of leaving within the month.
        success: share of contacted would-be leavers who stay.
        by: a category on which success depends; its values and their success are in `success_by`.
        sleeping_dogs: share of customers whom contact puts off instead; `wakes` is added to their log-odds.
        lasts_months: how long contact has an effect.
    """

    month: int
    offer: str = "offer"
    share: float = 1.0
    above: float = 0.0
    success: float = 0.3
    by: str = ""
    success_by: Mapping[str, float] = field(default_factory=dict)
    sleeping_dogs: float = 0.0
    wakes: float = 1.0
    lasts_months: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that a simulation follows from.

    Attributes:
        customers: in the first month; in every month when they are not followed.
        months: how many, of 30 days each, numbered from 1.
        seed: the same world gives the same customers.
        start: of the first month.
        horizon_days: the contract's: for the true probability of leaving.
        is_followed: True: the same customers month after month, until they leave. False: every month others, seen at
            any moment of it, so that nothing moves but what a shift moves.
        arrivals: new customers a month, when customers are followed; None: about as many as leave in the first.
        base_rate: mean chance of leaving in the first month, before season and shifts; None: the source's own.
        season: the wave in it.
        shifts: what changes.
        campaigns: what is done about it.
        reports: how outcomes become known.
        source: where customers come from.
    """

    customers: int = 2_000
    months: int = 6
    seed: int = 0
    start: datetime = START
    horizon_days: int = MONTH_DAYS
    is_followed: bool = True
    arrivals: int | None = None
    base_rate: float | None = None
    season: Season = Season()
    shifts: tuple[Shift, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    reports: Reports = Reports()
    source: Source = field(default_factory=TelcoSource)

    def __post_init__(self) -> None:
        if problems := [words for is_wrong, words in _rules(self) if is_wrong]:
            raise UsageError(f"there is no such world: {'; '.join(problems)}")


def _rules(world: World) -> list[tuple[bool, str]]:
    shares = [
        world.reports.lost_share,
        *(share for each in world.campaigns for share in (each.share, each.success, each.sleeping_dogs)),
        *(share for each in world.campaigns for share in each.success_by.values()),
    ]
    return [
        (world.customers < 1, f"it needs at least 1 customer, not {world.customers}"),
        (world.months < 1, f"it needs at least 1 month, not {world.months}"),
        (world.seed < 0, f"the seed is a whole number from 0, not {world.seed}"),
        (world.start.tzinfo is None, "its start lacks a time zone"),
        (world.horizon_days < 1, f"the horizon is at least 1 day, not {world.horizon_days}"),
        (
            not world.is_followed and world.horizon_days > MONTH_DAYS,
            f"customers who are not followed can't be seen to stay for more than {MONTH_DAYS} days: follow them",
        ),
        (world.arrivals is not None and world.arrivals < 0, "arrivals are at least 0"),
        (world.base_rate is not None and not 0 < world.base_rate < 1, "the base rate is between 0 and 1"),
        (any(not 0 <= share <= 1 for share in shares), "shares are from 0 to 1"),
        (min(world.reports.delay_days, world.reports.mean_extra_days) < 0, "delays are at least 0 days"),
        (
            any(each.month < 1 or each.lasts_months < 1 for each in world.campaigns),
            "campaigns begin in month 1 or later",
        ),
    ]
