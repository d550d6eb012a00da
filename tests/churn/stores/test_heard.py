"""What a canary answered counts as heard wherever answers count."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from churn.scoring.outcome import Outcome
from churn.scoring.prediction import utc_text
from churn.stores.business import BusinessStore
from churn.stores.counts import CountStore
from churn.stores.labelled import LabelledStore, Span
from churn.stores.outcomes import OutcomeStore
from churn.stores.predictions import PredictionStore
from churn.stores.shadows import ShadowStore, shadow_id
from churn.stores.traffic import TrafficStore
from tests.churn.stores.records import prediction

START = datetime(2026, 11, 1, tzinfo=UTC)
END = START + timedelta(days=1)
AT = utc_text(START + timedelta(hours=1))


@pytest.fixture
def answered(engine: Engine) -> Engine:
    """Three customers: production's, the canary's with a shadow beside it, and one whom only a shadow saw."""
    beside = shadow_id(5, "p-2")
    PredictionStore(engine).add(
        [
            prediction(1, customer_id="a", predicted_at=AT),
            prediction(2, customer_id="b", predicted_at=AT, role="canary", model_version=4),
            replace(
                prediction(0, customer_id="b", predicted_at=AT, role="shadow", model_version=5), prediction_id=beside
            ),
            prediction(3, customer_id="c", predicted_at=AT, role="shadow", model_version=5),
        ]
    )
    return engine


def test_readers_of_predictions_see_both_that_were_heard(answered: Engine) -> None:
    store = PredictionStore(answered)

    assert {each.customer_id for each in store.window("churn")} == {"a", "b"}
    assert [each.customer_id for each in store.window("churn", model_version=4)] == ["b"]
    assert [each.customer_id for each in store.window("churn", roles=["production"])] == ["a"]
    assert store.count("churn") == 2
    found = store.latest_for("b")
    assert found is not None
    assert (found.role, found.model_version) == ("canary", 4)
    assert store.latest_for("c") is None


def test_counts_of_traffic_versions_and_customers_hold_both(answered: Engine) -> None:
    assert TrafficStore(answered).counts("churn", [START, END]) == [2]
    assert CountStore(answered, "churn").predictions() == {("3",): 1, ("4",): 1}
    assert sum(group.customers for group in BusinessStore(answered).groups("churn", since=START)) == 2


def test_outcomes_are_joined_to_what_the_canary_said(answered: Engine) -> None:
    outcome = Outcome(model_name="churn", customer_id="b", churned=1, observed_at=utc_text(END), source="a test")
    OutcomeStore(answered).add([outcome])
    store = LabelledStore(answered)
    until = START + timedelta(days=40)

    found = store.labelled("churn", horizon=timedelta(days=30), until=until)
    assert [(each.prediction.customer_id, each.churned) for each in found] == [("b", 1)]
    assert store.versions(Span("churn", START, END)) == [3, 4]


def test_a_shadow_is_paired_with_the_canary_s_answer(answered: Engine) -> None:
    (pair,) = ShadowStore(answered).pairs("churn", 5)

    assert (pair.customer_id, pair.production.version, pair.shadow.version) == ("b", 4, 5)
