"""Sums over customers, on real databases."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from churn.scoring.prediction import Prediction
from churn.stores.business import BusinessStore, CustomerGroup
from churn.stores.predictions import PredictionStore
from tests.churn.stores.records import prediction

SINCE = datetime(2026, 11, 1, tzinfo=UTC)


def of(customer: str, at: str, **changed: object) -> Prediction:
    standing = {"segment": "loyal", "expected_loss": 100.0, "expected_profit": 10.0, **changed}
    return prediction(f"{customer}-{at}-{changed.get('role', '')}", customer_id=customer, predicted_at=at, **standing)


@pytest.fixture
def store(engine: Engine) -> BusinessStore:
    return BusinessStore(engine)


def test_a_customer_counts_once_by_the_newest_prediction(engine: Engine, store: BusinessStore) -> None:
    PredictionStore(engine).add(
        [
            of("C-1", "2026-11-02T00:00:00.000Z"),
            of("C-1", "2026-11-03T00:00:00.000Z", segment="new", risk_level="LOW", expected_loss=1.0),
            of("C-2", "2026-11-02T00:00:00.000Z"),
        ]
    )

    assert sorted(store.groups("churn", since=SINCE), key=lambda group: group.risk_level) == [
        CustomerGroup("loyal", "HIGH", 1, 100.0, 10.0),
        CustomerGroup("new", "LOW", 1, 1.0, 10.0),
    ]


def test_of_two_predictions_at_one_moment_one_counts(engine: Engine, store: BusinessStore) -> None:
    twice = [prediction(number, predicted_at="2026-11-02T00:00:00.000Z") for number in range(2)]
    PredictionStore(engine).add(twice)

    assert [group.customers for group in store.groups("churn", since=SINCE)] == [1]


def test_whom_it_does_not_pay_to_contact_takes_nothing_from_the_profit(engine: Engine, store: BusinessStore) -> None:
    at = "2026-11-02T00:00:00.000Z"
    PredictionStore(engine).add([of("C-1", at), of("C-2", at, expected_profit=-40.0)])

    assert store.groups("churn", since=SINCE) == [CustomerGroup("loyal", "HIGH", 2, 200.0, 10.0)]


def test_shadows_other_models_and_what_is_long_ago_are_left_out(engine: Engine, store: BusinessStore) -> None:
    at = "2026-11-02T00:00:00.000Z"
    others = [
        of("C-1", "2026-11-05T00:00:00.000Z", role="shadow", segment="new"),
        of("C-2", at, model_name="other"),
        of("C-3", "2026-10-31T23:59:59.999Z"),
    ]
    PredictionStore(engine).add([of("C-1", at), *others])

    assert store.groups("churn", since=SINCE) == [CustomerGroup("loyal", "HIGH", 1, 100.0, 10.0)]


def test_customers_without_segment_and_money_are_counted_too(engine: Engine, store: BusinessStore) -> None:
    PredictionStore(engine).add([prediction(1)])

    assert store.groups("churn", since=SINCE) == [CustomerGroup(None, "HIGH", 1, 0.0, 0.0)]
