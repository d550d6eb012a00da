from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from churn.errors import RefusedError
from churn.stores.predictions import PredictionStore
from churn.stores.transactions import reading
from tests.churn.stores.records import prediction

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_prediction_comes_back_as_it_was(engine: Engine) -> None:
    store = PredictionStore(engine)

    assert store.add([prediction(1)]) == 1
    assert store.window("churn") == [prediction(1)]


def test_a_known_id_is_stored_once_and_stays_as_it_was(engine: Engine) -> None:
    store = PredictionStore(engine)
    store.add([prediction(1), prediction(2)])

    assert store.add([prediction(2, probability=0.1), prediction(3), prediction(3)]) == 1
    assert store.count() == 3
    assert [each.probability for each in store.window("churn")] == [0.61] * 3


def test_nothing_is_stored_of_a_batch_that_is_refused(engine: Engine) -> None:
    store = PredictionStore(engine)

    with pytest.raises(RefusedError, match="refused the values"):
        store.add([prediction(1), prediction(2, risk_level=None)])

    assert store.count() == 0


def test_no_records_are_no_work(engine: Engine) -> None:
    assert PredictionStore(engine).add([]) == 0


def test_a_window_is_bounded_by_time_version_and_number(engine: Engine) -> None:
    store = PredictionStore(engine)
    store.add(
        [
            prediction(minute, model_version=minute % 2, predicted_at=f"2026-11-21T12:{minute:02d}:00.000Z")
            for minute in range(10)
        ]
    )

    def ids(**bounds: object) -> list[str]:
        return [each.prediction_id for each in store.window("churn", **bounds)]  # type: ignore[arg-type]

    assert ids(since=NOON + timedelta(minutes=7)) == ["p-7", "p-8", "p-9"]
    assert ids(until=NOON + timedelta(minutes=2)) == ["p-0", "p-1"]
    assert ids(model_version=0) == ["p-0", "p-2", "p-4", "p-6", "p-8"]
    assert ids(limit=2) == ["p-8", "p-9"]
    assert store.window("other") == []
    assert store.count("churn", model_version=1, since=NOON + timedelta(minutes=3)) == 4


def test_a_customer_s_newest_prediction_is_found(engine: Engine) -> None:
    store = PredictionStore(engine)
    store.add([prediction(1, predicted_at="2026-11-21T12:00:00.000Z"), prediction(2), prediction(3, customer_id="b")])

    latest = store.latest_for("7590-VHVEG")
    assert latest is not None
    assert latest.prediction_id == "p-1"
    assert store.latest_for("nobody") is None


def test_the_time_of_recording_is_kept_beside_the_time_of_prediction(engine: Engine) -> None:
    PredictionStore(engine).add([prediction(1)])

    with reading(engine) as connection:
        predicted_at, recorded_at = connection.execute(text("SELECT predicted_at, recorded_at FROM predictions")).one()
    assert predicted_at == "2026-11-21T06:00:00.123Z"
    assert len(recorded_at) == 24
    assert recorded_at.endswith("Z")


def test_text_from_customers_is_stored_literally(engine: Engine) -> None:
    store, hostile = PredictionStore(engine), "x'); DROP TABLE predictions; -- \u202e😀 %s :a"
    store.add([prediction(1, customer_id=hostile, inputs={hostile: hostile, "n": "\x00"})])

    found = store.latest_for(hostile)
    assert found is not None
    assert found.inputs == {hostile: hostile, "n": "\x00"}


def test_a_shadow_is_read_by_who_asks_for_it_and_by_nobody_else(engine: Engine) -> None:
    store = PredictionStore(engine)
    later = "2026-11-21T07:00:00.000Z"
    store.add([prediction(1), prediction(2, role="shadow", predicted_at=later)])

    assert [each.prediction_id for each in store.window("churn")] == ["p-1"]
    assert [each.prediction_id for each in store.window("churn", roles=["shadow"])] == ["p-2"]
    assert (store.count(), store.count("churn", roles=["shadow"])) == (1, 1)
    newest = store.latest_for("7590-VHVEG")
    assert newest is not None
    assert newest.prediction_id == "p-1"


def test_the_versions_on_record_are_counted_whatever_their_role(engine: Engine) -> None:
    store = PredictionStore(engine)
    store.add([prediction(1, model_version=2), prediction(2, role="canary"), prediction(3, role="shadow")])
    store.add([prediction(4, predicted_at="2026-11-21T13:00:00.000Z"), prediction(5, model_name="other")])

    assert list(store.versions("churn").items()) == [(3, 3), (2, 1)]
    assert store.versions("churn", since=NOON) == {3: 1}
    assert store.versions("churn", until=NOON) == {3: 2, 2: 1}


def test_pages_hold_each_prediction_of_a_version_once_also_of_one_moment(engine: Engine) -> None:
    store = PredictionStore(engine)
    same = [prediction(f"same-{number}") for number in range(5)]
    later = [prediction(f"later-{number}", predicted_at="2026-11-21T13:00:00.000Z") for number in range(2)]
    store.add([*same, *later, prediction("other", model_version=4)])

    pages = list(store.pages("churn", 3, rows=3))

    assert [len(page) for page in pages] == [3, 3, 1]
    found = [each.prediction_id for page in pages for each in page]
    assert sorted(found) == sorted(each.prediction_id for each in (*same, *later))
    assert {each.prediction_id for each in pages[0]} > {"p-later-0", "p-later-1"}
    assert list(store.pages("churn", 3, since=NOON)) == [[later[1], later[0]]]
    assert list(store.pages("churn", 7)) == []


def test_what_is_recorded_while_pages_are_read_moves_none_of_them(engine: Engine) -> None:
    store = PredictionStore(engine)
    store.add([prediction(number) for number in range(4)])

    pages = store.pages("churn", 3, rows=2)
    first = next(pages)
    store.add([prediction(9, predicted_at="2026-11-21T14:00:00.000Z")])

    assert len({each.prediction_id for page in (first, *pages) for each in page}) == 4
