from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from churn.scoring.outcome import Outcome
from churn.scoring.prediction import utc_text
from churn.stores.labelled import LabelledPrediction, LabelledStore, Span
from churn.stores.outcomes import OutcomeStore
from churn.stores.predictions import PredictionStore
from tests.churn.stores.records import prediction

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
HORIZON = timedelta(days=30)


def day(number: float) -> datetime:
    return FIRST + timedelta(days=number)


def predict(engine: Engine, *made: tuple[str, float], **changed: object) -> None:
    """Record predictions of (customer, day)."""
    facts: dict[str, object] = {"door": "fastapi", **changed}
    PredictionStore(engine).add(
        [
            prediction(
                f"{who}-{when:g}-{'-'.join(map(str, changed.values()))}",
                customer_id=who,
                predicted_at=utc_text(day(when)),
                **facts,
            )
            for who, when in made
        ]
    )


def tell(engine: Engine, *seen: tuple[str, float, int], **changed: object) -> None:
    """Store outcomes of (customer, day, churned)."""
    OutcomeStore(engine).add(
        [
            Outcome(
                model_name="churn",
                customer_id=who,
                churned=churned,
                observed_at=utc_text(day(when)),
                source="a test",
                **changed,  # type: ignore[arg-type]
            )
            for who, when, churned in seen
        ]
    )


def told(found: list[LabelledPrediction] | tuple[LabelledPrediction, ...] | object) -> dict[str, int]:
    return {one.prediction.customer_id: one.churned for one in found}  # type: ignore[attr-defined]


def test_leavers_and_stayers_are_labelled_once_the_horizon_has_passed(engine: Engine) -> None:
    predict(engine, ("left", 0), ("stayed", 1), ("later", 2), ("silent", 3), ("young", 20))
    tell(engine, ("left", 10, 1), ("stayed", 31, 0), ("later", 35, 1), ("young", 21, 1))

    found = LabelledStore(engine).labelled("churn", horizon=HORIZON, until=day(40))

    assert told(found) == {"left": 1, "stayed": 0, "later": 0}
    assert [one.known_at for one in found] == [day(30), day(31), day(32)]
    assert found[0].prediction.inputs == {"tenure": 1, "Contract": "Month-to-month", "TotalCharges": None}


def test_an_early_leaver_does_not_count_before_the_outcome_is_due(engine: Engine) -> None:
    predict(engine, ("left", 0))
    tell(engine, ("left", 1, 1))
    store = LabelledStore(engine)

    assert store.labelled("churn", horizon=HORIZON, until=day(30)) == []
    assert told(store.labelled("churn", horizon=HORIZON, until=day(30.01))) == {"left": 1}


def test_what_may_still_come_in_is_waited_for(engine: Engine) -> None:
    predict(engine, ("left", 0), ("silent", 0))
    tell(engine, ("left", 1, 1))
    store = LabelledStore(engine, silence="stayed", delay=timedelta(days=5))

    assert store.labelled("churn", horizon=HORIZON, until=day(34)) == []
    assert told(store.labelled("churn", horizon=HORIZON, until=day(36))) == {"left": 1, "silent": 0}


def test_each_customer_counts_once_with_the_first_prediction_of_the_window(engine: Engine) -> None:
    predict(engine, ("a", 0), ("a", 5), ("a", 9), ("b", 2))
    tell(engine, ("a", 33, 1), ("b", 60, 0))
    store = LabelledStore(engine)

    assert told(store.labelled("churn", horizon=HORIZON, until=day(50))) == {"a": 0, "b": 0}
    of_later = store.labelled("churn", horizon=HORIZON, since=day(34), until=day(50))
    assert [(one.prediction.predicted_at, one.churned) for one in of_later] == [(utc_text(day(5)), 1)]


def test_two_predictions_of_one_moment_count_once(engine: Engine) -> None:
    predict(engine, ("a", 0), door="bento")
    predict(engine, ("a", 0), door="fastapi")
    tell(engine, ("a", 60, 0))

    assert len(LabelledStore(engine).labelled("churn", horizon=HORIZON, until=day(50))) == 1


def test_shadows_other_versions_and_other_models_are_left_out(engine: Engine) -> None:
    predict(engine, ("a", 0), role="shadow")
    predict(engine, ("b", 0), model_version=2)
    predict(engine, ("c", 0), model_name="other")
    predict(engine, ("d", 0))
    tell(engine, *((who, 60, 0) for who in "abcd"))
    store = LabelledStore(engine)

    assert told(store.labelled("churn", horizon=HORIZON, until=day(50))) == {"b": 0, "d": 0}
    assert told(store.labelled("churn", horizon=HORIZON, until=day(50), model_version=2)) == {"b": 0}
    assert store.versions(Span("churn", day(-1), day(1))) == [2, 3]
    assert store.count(Span("churn", day(-1), day(1))) == 2


def test_of_too_many_the_newest_are_returned_in_the_order_of_time(engine: Engine) -> None:
    predict(engine, *((f"c{number:04d}", number / 1000) for number in range(1200)))
    tell(engine, *((f"c{number:04d}", 60, 0) for number in range(1200)))

    found = LabelledStore(engine).labelled("churn", horizon=HORIZON, until=day(50), limit=1100)

    assert [one.prediction.customer_id for one in found] == [f"c{number:04d}" for number in range(100, 1200)]


@pytest.mark.parametrize(("told_last", "churned"), [(1, 1), (0, 0)])
def test_of_two_outcomes_of_one_moment_the_last_word_wins(engine: Engine, told_last: int, churned: int) -> None:
    predict(engine, ("a", 0))
    tell(engine, ("a", 30, 1 - told_last))
    wait_for_the_next_millisecond()
    tell(engine, ("a", 30, told_last))

    (found,) = LabelledStore(engine).due(Span("churn", day(-1), day(1)), HORIZON)

    assert (found.churned, found.is_contradicted) == (churned, not told_last)


def wait_for_the_next_millisecond() -> None:
    now = utc_text(datetime.now(UTC))
    while utc_text(datetime.now(UTC)) == now:
        pass


def test_an_outcome_that_names_a_prediction_speaks_for_it_alone(engine: Engine) -> None:
    predict(engine, ("a", 0), ("b", 0))
    tell(engine, ("a", 5, 1), prediction_id="p-a-0-")
    tell(engine, ("b", 5, 1), prediction_id="p-another")

    assert told(LabelledStore(engine, silence="stayed").labelled("churn", horizon=HORIZON, until=day(50))) == {"a": 1}
