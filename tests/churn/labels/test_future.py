"""The audit: a feature that knows the future is caught, whatever way it knows it; an honest one passes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.contract.proxy import Inactivity
from churn.errors import LeakageError
from churn.labels.events import Events
from churn.labels.features import FeatureTable, MakeFeatures, features_at
from churn.labels.future import audit_future
from churn.labels.outcome import is_silent
from tests.churn.labels.event_logs import START, poisson_log, proxy_of

DAY = START + 150


def leaking(name: str) -> MakeFeatures:
    """Honest features and one that looks ahead."""

    def make(events: Events, day: int, proxy: Inactivity) -> FeatureTable:
        count = len(events.names)
        ahead: dict[str, np.ndarray] = {
            "counts every event": np.bincount(events.customer, minlength=count),
            "window closes a day late": np.bincount(events.customer[events.day <= day + 1], minlength=count),
            "is the label": is_silent(events, day, lead_days=0, horizon_days=60),
            "scaled by the whole log": np.full(count, events.values["price"].mean()),
            "share of the log": np.full(count, day / events.last_day),
            "last price ever": events.values["price"][np.cumsum(np.bincount(events.customer, minlength=count)) - 1],
        }
        return {**features_at(events, day, proxy), name: ahead[name].astype(np.float64)}

    return make


@pytest.fixture(scope="module")
def shop_log() -> Events:
    return poisson_log(customers=300, rate=0.05, days=400, seed=5)


@pytest.mark.parametrize(
    "leak",
    [
        "counts every event",
        "window closes a day late",
        "is the label",
        "scaled by the whole log",
        "share of the log",
        "last price ever",
    ],
)
def test_a_feature_that_knows_the_future_is_caught_by_name(shop_log: Events, leak: str) -> None:
    with pytest.raises(LeakageError, match=rf"^'{leak}' on 2024-05-30 changed when the events after that day"):
        audit_future(shop_log, DAY, proxy_of(), make=leaking(leak))


@given(seed=st.integers(0, 2**32 - 1), day=st.integers(0, 400))
@settings(max_examples=25, deadline=None)
def test_the_features_never_know_the_future(seed: int, day: int) -> None:
    events = poisson_log(customers=40, rate=0.03, days=400, seed=seed)

    found = audit_future(events, START + day, proxy_of(), seed=seed)

    assert set(found) == set(proxy_of().feature_names)


def test_the_audit_leaves_the_log_as_it_is(shop_log: Events) -> None:
    before = (shop_log.customer.copy(), shop_log.day.copy(), shop_log.values["price"].copy())

    audit_future(shop_log, DAY, proxy_of())

    assert np.array_equal(shop_log.customer, before[0])
    assert np.array_equal(shop_log.day, before[1])
    assert np.array_equal(shop_log.values["price"], before[2])
