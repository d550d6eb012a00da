"""Features of customers on one observation date: how recently, how often, how much, and whether it slows down."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from churn.contract.proxy import Inactivity
from churn.labels.events import Events
from churn.labels.trend import slopes

FeatureTable = dict[str, np.ndarray]
"""Feature → float64 of shape (customers of the log,), NaN for missing; no meaning for who had no event yet."""

MakeFeatures = Callable[[Events, int, Inactivity], FeatureTable]


def features_at(events: Events, day: int, proxy: Inactivity) -> FeatureTable:
    """Compute every feature of every customer from the events up to the end of one day.

    Args:
        events: sorted by customer and day; those after `day` are not looked at.
        day: the observation date, in days since 1970-01-01.
        proxy: names the windows and the values.
    """
    past = events.only(events.day <= day)
    count = len(events.names)
    visits = _visits(past, count)
    found = {**_counts(past, day, proxy, count), **_gaps(visits, day, count)}
    for name, amounts in past.values.items():
        found |= _sums(past, (name, amounts), day, proxy)
    return {name: found[name] for name in proxy.feature_names}


@dataclass(frozen=True, slots=True)
class _Visits:
    """Days on which a customer had at least one event, in order: customer and day, of shape (visits,)."""

    customer: np.ndarray
    day: np.ndarray
    number: np.ndarray
    """How many there are, of shape (customers,)."""


def _visits(past: Events, count: int) -> _Visits:
    is_first = np.ones(len(past.day), bool)
    is_first[1:] = (past.customer[1:] != past.customer[:-1]) | (past.day[1:] != past.day[:-1])
    customer = past.customer[is_first]
    return _Visits(customer, past.day[is_first], np.bincount(customer, minlength=count))


def _spans(proxy: Inactivity) -> Iterator[tuple[str, float]]:
    yield from ((f"{days}d", days) for days in proxy.windows_days)
    yield "all", np.inf


def _counts(past: Events, day: int, proxy: Inactivity, count: int) -> FeatureTable:
    return {
        f"events_{span}": np.bincount(past.customer[past.day > day - days], minlength=count).astype(np.float64)
        for span, days in _spans(proxy)
    }


def _gaps(visits: _Visits, day: int, count: int) -> FeatureTable:
    """Times between days with events: several purchases on one day are one visit."""
    is_same = visits.customer[1:] == visits.customer[:-1]
    owner, gap = visits.customer[1:][is_same], np.diff(visits.day)[is_same].astype(np.float64)
    first, last = _ends(visits, visits.day.astype(np.float64), count)
    _, last_gap = _ends(_Visits(owner, owner, np.bincount(owner, minlength=count)), gap, count)
    mean_gap = _divide(last - first, visits.number - 1)
    return {
        "recency_days": day - last,
        "tenure_days": day - first,
        "active_days": visits.number.astype(np.float64),
        "mean_gap_days": mean_gap,
        "last_gap_days": last_gap,
        "gap_trend_days": slopes(owner, gap, count),
        "recency_to_gap": _divide(day - last, mean_gap),
    }


def _ends(series: _Visits, values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each customer's first and last number; missing where there is none."""
    first, last = np.full(count, np.nan), np.full(count, np.nan)
    stop = np.cumsum(series.number)
    has = series.number > 0
    first[has], last[has] = values[(stop - series.number)[has]], values[(stop - 1)[has]]
    return first, last


def _sums(past: Events, of: tuple[str, np.ndarray], day: int, proxy: Inactivity) -> FeatureTable:
    (name, amounts), count = of, len(past.names)
    found: FeatureTable = {}
    for span, days in _spans(proxy):
        is_inside = past.day > day - days
        found[f"{name}_{span}"] = np.bincount(past.customer[is_inside], amounts[is_inside], count)
    number = np.bincount(past.customer, minlength=count)
    return found | {
        f"{name}_mean": _divide(found[f"{name}_all"], number),
        f"{name}_trend": slopes(past.customer, amounts, count),
    }


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Missing where there is nothing to divide by."""
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0))
