"""Traffic: answers counted window by window."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from churn.scoring.prediction import utc_text
from churn.stores.predictions import PredictionStore
from churn.stores.traffic import TrafficStore
from tests.churn.stores.records import prediction

START = datetime(2026, 11, 1, tzinfo=UTC)
EDGES = [START + timedelta(hours=hour) for hour in range(3)]


def test_answers_of_all_versions_are_counted_between_edges_and_shadows_never(engine: Engine) -> None:
    minutes = {"before": -1, "first": 0, "within": 59, "second": 60, "after": 120}
    records = [prediction(name, predicted_at=_at(minute)) for name, minute in minutes.items()]
    records += [prediction("version", predicted_at=_at(1), model_version=9)]
    records += [prediction("shadow", predicted_at=_at(2), role="shadow")]
    records += [prediction("other", predicted_at=_at(3), model_name="other")]
    PredictionStore(engine).add(records)

    assert TrafficStore(engine).counts("churn", EDGES) == [3, 1]
    assert TrafficStore(engine).counts("nobody", EDGES) == [0, 0]


def test_whether_there_was_an_answer_before_a_moment(engine: Engine) -> None:
    PredictionStore(engine).add([prediction(1, predicted_at=_at(0))])

    store = TrafficStore(engine)

    assert not store.had_any("churn", before=START)
    assert store.had_any("churn", before=START + timedelta(minutes=1))


def _at(minute: int) -> str:
    return utc_text(START + timedelta(minutes=minute))
