"""Features on an observation date, against a slow and plain computation of the same."""

import datetime as dt
import itertools
import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.labels.features import features_at
from churn.labels.trend import slopes
from tests.churn.labels.event_logs import START, Purchase, log_of, proxy_of

TODAY = 120
PURCHASES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 250), st.integers(-500, 9_000).map(lambda cents: cents / 100)),
    min_size=1,
    max_size=40,
)


def plainly(purchases: list[Purchase], windows: tuple[int, ...]) -> dict[str, dict[str, float]]:
    """Compute the features one customer at a time, as one would by hand."""
    own: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for who, day, price in sorted(purchases, key=lambda one: one[:2]):
        if day <= TODAY:
            own[who].append((day, price))
    return {who: _customer(events, windows) for who, events in own.items()}


def _customer(events: list[tuple[int, float]], windows: tuple[int, ...]) -> dict[str, float]:
    days, prices = sorted({day for day, _ in events}), [price for _, price in events]
    gaps = [later - earlier for earlier, later in itertools.pairwise(days)]
    mean_gap = sum(gaps) / len(gaps) if gaps else math.nan
    found = {
        "recency_days": TODAY - days[-1],
        "tenure_days": TODAY - days[0],
        "active_days": len(days),
        "events_all": len(events),
        "mean_gap_days": mean_gap,
        "last_gap_days": gaps[-1] if gaps else math.nan,
        "gap_trend_days": _slope(gaps),
        "recency_to_gap": (TODAY - days[-1]) / mean_gap,
        "price_all": sum(prices),
        "price_mean": sum(prices) / len(prices),
        "price_trend": _slope(prices),
    }
    for days_back in windows:
        recent = [price for day, price in events if TODAY - days_back < day]
        found |= {f"events_{days_back}d": len(recent), f"price_{days_back}d": sum(recent)}
    return found


def _slope(numbers: list[float]) -> float:
    return float(np.polyfit(range(len(numbers)), numbers, 1)[0]) if len(numbers) > 1 else math.nan


@given(purchases=PURCHASES)
@settings(max_examples=150, deadline=None)
def test_features_equal_those_computed_by_hand(purchases: list[Purchase]) -> None:
    proxy, events = proxy_of(), log_of(purchases)

    found, expected = features_at(events, START + TODAY, proxy), plainly(purchases, proxy.windows_days)

    assert set(found) == set(proxy.feature_names)
    for place, who in enumerate(events.names):
        if who not in expected:
            assert found["events_all"][place] == 0
            continue
        assert set(expected[who]) == set(found)
        for name, value in expected[who].items():
            assert found[name][place] == pytest.approx(value, abs=1e-6, nan_ok=True), (who, name)


def test_an_event_on_the_observation_date_counts_and_one_a_day_later_does_not() -> None:
    events = log_of([("a", 100, 5.0), ("a", TODAY, 7.0), ("a", TODAY + 1, 9.0)])

    found = features_at(events, START + TODAY, proxy_of())

    assert found["price_all"].tolist() == [12]
    assert found["recency_days"].tolist() == [0]


@pytest.mark.parametrize(("day", "count"), [(TODAY - 29, 1), (TODAY - 30, 0)])
def test_a_window_of_thirty_days_holds_thirty_days(day: int, count: int) -> None:
    found = features_at(log_of([("a", day, 5.0)]), START + TODAY, proxy_of())

    assert found["events_30d"].tolist() == [count]


def test_a_customer_who_buys_less_and_less_often_has_trends_that_say_so() -> None:
    events = log_of([("a", 0, 90.0), ("a", 10, 60.0), ("a", 30, 40.0), ("a", 70, 10.0)])

    found = features_at(events, START + TODAY, proxy_of())

    assert found["gap_trend_days"].tolist() == [15]
    assert found["price_trend"][0] == pytest.approx(-26)


def test_slopes_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(3)
    lengths = [0, 1, 2, 3, 50]
    series = np.repeat(np.arange(5), lengths)
    values = rng.normal(1e6, 1, len(series))

    found = slopes(series, values, 5)

    assert np.isnan(found[:2]).all()
    for number in (2, 3, 4):
        own = values[series == number]
        expected = np.polyfit(np.arange(len(own)), own - 1e6, 1)[0]
        assert found[number] == pytest.approx(expected, abs=1e-6)


def test_days_before_1970_are_days() -> None:
    long_ago = (dt.date(1950, 1, 1) - dt.date(2024, 1, 1)).days
    found = features_at(log_of([("a", long_ago, 1.0)]), START, proxy_of())

    assert found["recency_days"].tolist() == [-long_ago]
