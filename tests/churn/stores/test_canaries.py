from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from churn.scoring.outcome import Outcome
from churn.scoring.prediction import utc_text
from churn.stores.canaries import CanaryStore
from churn.stores.outcomes import OutcomeStore
from churn.stores.predictions import PredictionStore
from tests.churn.stores.records import prediction

START = datetime(2026, 11, 1, tzinfo=UTC)


def at(hour: float) -> str:
    return utc_text(START + timedelta(hours=hour))


def test_each_customer_of_a_group_counts_once_with_what_was_seen_last_since(engine: Engine) -> None:
    canary = {"role": "canary", "model_version": 4}
    PredictionStore(engine).add(
        [
            prediction(1, customer_id="a", predicted_at=at(1), probability=0.1, **canary),
            prediction(2, customer_id="a", predicted_at=at(2), probability=0.2, expected_profit=5.0, **canary),
            prediction(3, customer_id="b", predicted_at=at(1), probability=0.3, **canary),
            prediction(4, customer_id="c", predicted_at=at(1)),
            prediction(5, customer_id="d", predicted_at=at(1), role="production", model_version=4),
        ]
    )
    seen = [("a", 1.5, 1), ("b", 2, 1), ("b", 3, 0), ("c", 2, 1)]
    OutcomeStore(engine).add(
        [
            Outcome(model_name="churn", customer_id=who, churned=churned, observed_at=at(hour), source="a test")
            for who, hour, churned in seen
        ]
    )
    store = CanaryStore(engine)

    found = store.newest("churn", 4, role="canary", since=None)
    assert [(each.customer_id, each.probability, each.expected_profit, each.churned) for each in found] == [
        ("a", 0.2, 5.0, None), ("b", 0.3, None, 0),
    ]  # fmt: skip
    assert store.count("churn", 4, role="canary", since=None) == 3
    late = START + timedelta(hours=1.5)
    assert [each.customer_id for each in store.newest("churn", 4, role="canary", since=late)] == ["a"]
    assert [each.customer_id for each in store.newest("churn", 3, role="production", since=None)] == ["c"]
    assert len(store.newest("churn", 4, role="canary", since=None, limit=1)) == 1
