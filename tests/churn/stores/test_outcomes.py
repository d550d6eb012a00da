from dataclasses import replace

import pytest
from sqlalchemy import Engine

from churn.scoring.outcome import Outcome
from churn.stores.outcomes import OutcomeCounts, OutcomeStore

LEFT = Outcome(
    model_name="churn", customer_id="A-1", churned=1, observed_at="2026-10-01T00:00:00.000Z", source="a test"
)


@pytest.fixture
def store(engine: Engine) -> OutcomeStore:
    return OutcomeStore(engine)


def test_an_outcome_is_stored_once_however_often_and_by_whomever_it_is_sent(store: OutcomeStore) -> None:
    assert store.add([LEFT, LEFT]) == 1
    assert store.add([replace(LEFT, source="another", prediction_id="p-1")]) == 0
    assert store.count("churn") == 1


@pytest.mark.parametrize(
    "change",
    [{"churned": 0}, {"customer_id": "A-2"}, {"observed_at": "2026-10-02T00:00:00.000Z"}, {"model_name": "other"}],
)
def test_another_fact_is_another_outcome(store: OutcomeStore, change: dict[str, object]) -> None:
    store.add([LEFT])

    assert store.add([replace(LEFT, **change), LEFT]) == 1  # type: ignore[arg-type]


def test_nothing_is_nothing(store: OutcomeStore) -> None:
    assert store.add([]) == 0


def test_what_is_known_is_counted_by_kind_and_by_who_brought_it(store: OutcomeStore) -> None:
    store.add([LEFT, replace(LEFT, churned=0, observed_at="2026-11-01T00:00:00.000Z")])
    store.add([replace(LEFT, customer_id="A-2", source="b"), replace(LEFT, model_name="other")])

    found = store.counts("churn")

    assert (found.left, found.stayed, found.customers) == (2, 1, 2)
    assert (found.first_observed_at, found.last_observed_at) == (LEFT.observed_at, "2026-11-01T00:00:00.000Z")
    assert found.by_source == {"a test": 2, "b": 1}
    assert store.counts("nothing") == OutcomeCounts(0, 0, 0, None, None, {})
