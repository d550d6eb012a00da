"""Outcomes: which days count, and since when silence is known to be silence."""

import re

import pytest

from churn.errors import TableError
from churn.labels.events import date_of
from churn.labels.outcome import is_silent, observation_days
from tests.churn.labels.event_logs import START, log_of, proxy_of


@pytest.mark.parametrize(("day", "silent"), [(100, True), (101, False), (160, False), (161, True)])
def test_the_outcome_window_opens_the_day_after_and_holds_its_last_day(day: int, silent: bool) -> None:
    events = log_of([("a", 0, 1.0), ("a", day, 1.0)])

    assert is_silent(events, START + 100, lead_days=0, horizon_days=60).tolist() == [silent]


@pytest.mark.parametrize(("day", "silent"), [(114, True), (115, False), (174, False), (175, True)])
def test_events_within_the_lead_do_not_count(day: int, silent: bool) -> None:
    events = log_of([("a", 0, 1.0), ("a", day, 1.0)])

    assert is_silent(events, START + 100, lead_days=14, horizon_days=60).tolist() == [silent]


def test_the_last_date_whose_outcome_is_known_is_taken_and_the_next_day_is_refused() -> None:
    events = log_of([("a", 0, 1.0)], days=200)
    last, next_day = date_of(START + 200 - 60), date_of(START + 200 - 59)

    assert observation_days(events, proxy_of(dates=[last])) == (START + 140,)
    with pytest.raises(
        TableError, match=f"the outcome of {next_day} is not known yet.*whose outcome is known is {last}"
    ):
        observation_days(events, proxy_of(dates=[last, next_day]))


def test_a_lead_makes_the_outcome_known_later() -> None:
    events = log_of([("a", 0, 1.0)], days=200)

    with pytest.raises(TableError, match="not known yet: it takes 61 days"):
        observation_days(events, proxy_of(dates=[date_of(START + 140)], lead_days=1))


def test_a_date_before_the_log_is_refused() -> None:
    with pytest.raises(TableError, match="nothing is known on 2023-12-31: the log covers 2024-01-01 to"):
        observation_days(log_of([("a", 0, 1.0)]), proxy_of(dates=["2023-12-31", "2024-02-01"]))


def test_a_schedule_without_ends_begins_with_a_full_window_and_ends_with_the_last_known_outcome() -> None:
    events = log_of([("a", 0, 1.0)], days=200)

    days = observation_days(events, proxy_of(dates={"every_days": 25}))

    assert [day - START for day in days] == [89, 114, 139]


def test_a_schedule_that_reaches_beyond_what_is_known_is_refused() -> None:
    events = log_of([("a", 0, 1.0)], days=200)
    schedule = {"every_days": 30, "first": date_of(START + 90), "last": date_of(START + 150)}

    with pytest.raises(TableError, match="not known yet"):
        observation_days(events, proxy_of(dates=schedule))


def test_a_log_that_is_too_short_for_any_date_says_so() -> None:
    text = "no observation date leaves 90 days of events before it and 60 days of outcome after it"

    with pytest.raises(TableError, match=re.escape(text)):
        observation_days(log_of([("a", 0, 1.0)], days=100), proxy_of(dates={"every_days": 30}))
