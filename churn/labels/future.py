"""The audit of features from events: whatever happens after the observation date, they must stay as they are."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from churn.contract.proxy import Inactivity
from churn.errors import LeakageError
from churn.labels.events import Events, date_of
from churn.labels.features import FeatureTable, MakeFeatures, features_at


def audit_future(
    events: Events, day: int, proxy: Inactivity, *, make: MakeFeatures = features_at, seed: int = 0
) -> FeatureTable:
    """Compute the features with the true future, a scrambled one and none; return them when all are equal.

    Who had no event up to the day is left out of the comparison, as it is of the table.

    Raises:
        LeakageError: a feature changed, with its name.
    """
    found = make(events, day, proxy)
    is_known = np.bincount(events.customer[events.day <= day], minlength=len(events.names)) > 0
    for what, other in _other_futures(events, day, np.random.default_rng(seed)):
        again = make(other, day, proxy)
        changed = [name for name in found if not _equal(found[name][is_known], again[name][is_known])]
        if changed:
            raise LeakageError(
                f"{', '.join(map(repr, changed))} on {date_of(day)} changed when the events after that day were "
                f"{what}: a feature may only know what had happened by then. Nothing was written; mend how it is made"
            )
    return found


def _equal(left: np.ndarray, right: np.ndarray) -> bool:
    return bool(np.array_equal(left, right, equal_nan=True))


def _other_futures(events: Events, day: int, rng: np.random.Generator) -> Iterator[tuple[str, Events]]:
    is_future = events.day > day
    yield "removed", replace(events.only(~is_future), last_day=day)
    yield "scrambled", _scrambled(events, is_future, rng)


def _scrambled(events: Events, is_future: np.ndarray, rng: np.random.Generator) -> Events:
    """Give future events other customers, days and values."""
    count = int(is_future.sum())
    customer, day = events.customer.copy(), events.day.copy()
    customer[is_future] = rng.integers(len(events.names), size=count)
    day[is_future] += rng.integers(0, 400, size=count)
    values = {name: amounts.copy() for name, amounts in events.values.items()}
    for amounts in values.values():
        amounts[is_future] = rng.normal(size=count) * 1_000
    return replace(events, customer=customer, day=day, values=values, last_day=events.last_day + 400).sorted()
