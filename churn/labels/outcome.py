"""Outcomes: who was silent through the outcome window, and since when that can be known."""

from collections.abc import Iterator
from datetime import date

import numpy as np

from churn.contract.proxy import Inactivity, Schedule
from churn.errors import TableError
from churn.labels.events import Events, date_of, day_number

LONGEST_LISTED = 5


def is_silent(events: Events, day: int, *, lead_days: int, horizon_days: int) -> np.ndarray:
    """Return who has no event in the outcome window, bool of shape (customers of the log,)."""
    opens = day + lead_days
    is_inside = (events.day > opens) & (events.day <= opens + horizon_days)
    return np.asarray(np.bincount(events.customer[is_inside], minlength=len(events.names)) == 0)


def is_mature(events: Events, day: int, proxy: Inactivity) -> bool:
    """Tell whether the outcome window of an observation date has passed when the log ends."""
    return day + proxy.known_after_days <= events.last_day


def observation_days(events: Events, proxy: Inactivity) -> tuple[int, ...]:
    """Return the observation dates whose outcome is known, as day numbers.

    Raises:
        TableError: a date is before the log's first event, or its outcome is not known yet; or there is no date.
    """
    dates = proxy.dates
    days = tuple(_scheduled(events, proxy, dates)) if isinstance(dates, Schedule) else tuple(map(day_number, dates))
    _refuse_empty(events, proxy, days)
    _refuse_early(events, days)
    _refuse_immature(events, proxy, days)
    return days


def _scheduled(events: Events, proxy: Inactivity, schedule: Schedule) -> Iterator[int]:
    """Without ends, from the first date with a full window before it to the last date whose outcome is known."""
    longest = max(proxy.windows_days, default=1)
    first = day_number(schedule.first) if schedule.first else int(events.day.min()) + longest - 1
    last = day_number(schedule.last) if schedule.last else events.last_day - proxy.known_after_days
    yield from range(first, last + 1, schedule.every_days)


def _refuse_empty(events: Events, proxy: Inactivity, days: tuple[int, ...]) -> None:
    if not days:
        raise TableError(
            f"no observation date leaves {max(proxy.windows_days, default=1)} days of events before it and "
            f"{proxy.known_after_days} days of outcome after it: the log covers {_span(events)}. Shorten "
            "target.proxy.horizon_days or windows_days, or give `first`"
        )


def _refuse_early(events: Events, days: tuple[int, ...]) -> None:
    early = [date_of(day) for day in days if day < events.day.min()]
    if early:
        raise TableError(f"nothing is known on {_listed(early)}: the log covers {_span(events)}. Remove these dates")


def _refuse_immature(events: Events, proxy: Inactivity, days: tuple[int, ...]) -> None:
    immature = [date_of(day) for day in days if not is_mature(events, day, proxy)]
    if immature:
        last = date_of(events.last_day - proxy.known_after_days)
        raise TableError(
            f"the outcome of {_listed(immature)} is not known yet: it takes {proxy.known_after_days} days, and the log "
            f"covers {_span(events)}. The last date whose outcome is known is {last}; silence until now is no proof"
        )


def _span(events: Events) -> str:
    return f"{date_of(events.day.min())} to {date_of(events.last_day)}"


def _listed(dates: list[date]) -> str:
    shown = ", ".join(map(str, dates[:LONGEST_LISTED]))
    return shown if len(dates) <= LONGEST_LISTED else f"{shown} and {len(dates) - LONGEST_LISTED} more"
