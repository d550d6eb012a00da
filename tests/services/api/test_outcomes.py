from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from churn.scoring.outcome import read_moment
from churn.scoring.prediction import utc_text
from churn.stores.tables import admin_actions, outcomes
from services.worker import Worker
from tests.services.api.staff import Key, engine, key

__all__ = ["engine", "key"]

PATH = "/api/v1/outcomes"
LEFT = {"customer_id": "A-1", "churned": True, "observed_at": "2026-10-01"}


def rows(engine: Engine) -> list[tuple[str, int, str, str]]:
    columns = (outcomes.c.customer_id, outcomes.c.churned, outcomes.c.observed_at, outcomes.c.source)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(outcomes.c.customer_id))]


def test_outcomes_are_stored_once_and_bad_ones_set_aside_with_reasons(
    client: TestClient, key: Key, engine: Engine
) -> None:
    bad = {**LEFT, "churned": 7, "observed_at": "soon"}
    sent = {"outcomes": [LEFT, bad, {**LEFT, "customer_id": "A-2", "churned": 0}, LEFT, "nonsense"]}

    first = client.post(PATH, json=sent, headers=key("analyst")).json()
    again = client.post(PATH, json=sent, headers=key("admin")).json()

    assert (first["accepted"], first["duplicates"], first["rejected_total"]) == (2, 1, 2)
    assert [one["row"] for one in first["rejected"]] == [2, 5]
    assert first["rejected"][0]["reasons"] == [
        "churned: must be true or false, 1 or 0, yes or no",
        "observed_at: must be a day like 2026-10-01, or a moment like 2026-10-01T12:00:00Z",
    ]
    assert (again["accepted"], again["duplicates"]) == (0, 3)
    assert rows(engine) == [
        ("A-1", 1, "2026-10-01T00:00:00.000Z", "key:for a analyst"),
        ("A-2", 0, "2026-10-01T00:00:00.000Z", "key:for a analyst"),
    ]


def test_one_outcome_may_be_sent_as_it_is(client: TestClient, key: Key) -> None:
    assert client.post(PATH, json=LEFT, headers=key("analyst")).json()["accepted"] == 1


def test_one_outcome_that_does_not_hold_is_refused_field_by_field(client: TestClient, key: Key) -> None:
    answer = client.post(PATH, json={"customer_id": "A-1", "churned": "maybe"}, headers=key("analyst"))

    assert answer.status_code == 422
    assert {one["field"] for one in answer.json()["errors"]} == {"churned", "observed_at"}
    assert "maybe" not in answer.text


def test_a_csv_says_the_same_as_json(client: TestClient, key: Key, engine: Engine) -> None:
    header, lines = "customer_id,churned,observed_at,prediction_id\n", "A-1,1,2026-10-01,\nA-3,,x,\n"
    lines = f"{header}A-2,no,2026-10-01T02:00:00+02:00,p-2\n{lines}"
    headers = {**key("analyst"), "content-type": "text/csv; charset=utf-8"}

    found = client.post(PATH, content=lines, headers=headers).json()

    assert (found["accepted"], [one["row"] for one in found["rejected"]]) == (2, [3])
    assert [row[:3] for row in rows(engine)] == [
        ("A-1", 1, "2026-10-01T00:00:00.000Z"),
        ("A-2", 0, "2026-10-01T00:00:00.000Z"),
    ]
    assert client.post(PATH, json=LEFT, headers=key("analyst")).json()["duplicates"] == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (("customer_id,churned\nA,1\n", "text/csv"), 422),
        (("customer_id,churned,observed_at,tenure\nA,1,2026-10-01,3\n", "text/csv"), 422),
        (("", "text/csv"), 422),
        (("{", "application/json"), 400),
        (("3", "application/json"), 422),
        (('{"outcomes": 3}', "application/json"), 422),
        (('{"outcomes": [], "more": 1}', "application/json"), 422),
        (("<x/>", "application/xml"), 415),
    ],
)
def test_what_is_no_list_of_outcomes_is_refused(
    client: TestClient, key: Key, sent: tuple[str, str], status: int
) -> None:
    content, media_type = sent
    answer = client.post(PATH, content=content, headers={**key("analyst"), "content-type": media_type})

    assert answer.status_code == status
    assert answer.json()["detail"]


def test_more_outcomes_than_allowed_are_refused_and_none_is_stored(
    client: TestClient, key: Key, worker: Worker, engine: Engine
) -> None:
    worker.settings = worker.settings.model_copy(update={"batch_rows": 2})
    many = [{**LEFT, "customer_id": f"A-{number}"} for number in range(3)]

    assert client.post(PATH, json={"outcomes": many}, headers=key("analyst")).status_code == 413
    assert rows(engine) == []


def test_who_brought_how_many_is_in_the_audit_and_no_customer(client: TestClient, key: Key, engine: Engine) -> None:
    client.post(PATH, json=LEFT, headers=key("analyst"))

    with engine.connect() as connection:
        row = connection.execute(select(admin_actions).where(admin_actions.c.action == "outcomes")).one()
    assert row.details == '{"accepted":1,"duplicates":0,"rejected_total":0}'


@pytest.mark.parametrize("role", ["client", "viewer"])
def test_who_only_reads_brings_none(client: TestClient, key: Key, role: str) -> None:
    assert client.post(PATH, json=LEFT, headers=key(role)).status_code == 403  # type: ignore[arg-type]


def test_a_clock_may_be_a_little_ahead_and_not_more() -> None:
    now = datetime.now(UTC)

    assert read_moment((now + timedelta(minutes=4)).isoformat())
    with pytest.raises(ValueError, match="in the future"):
        read_moment((now + timedelta(minutes=6)).isoformat())


@pytest.mark.parametrize(
    "value", ["2026-10-01T12:00:00", "1969-12-31", 1_760_000_000, "20261001T000000Z+", None, "", []]
)
def test_a_moment_that_could_mean_two_things_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"time zone|1970|must be a day"):
        read_moment(value)


@settings(max_examples=50, deadline=None)
@given(st.datetimes(datetime(1971, 1, 1), datetime(2026, 1, 1), timezones=st.timezones()))  # noqa: DTZ001  naive bounds
def test_a_moment_is_the_same_in_whatever_time_zone_it_is_written(moment: datetime) -> None:
    in_utc = moment.astimezone(UTC)

    assert utc_text(read_moment(in_utc.isoformat())) == utc_text(in_utc)
    if moment.utcoffset() and moment.utcoffset().seconds % 60 == 0:  # type: ignore[union-attr]
        assert utc_text(read_moment(moment.isoformat())) == utc_text(in_utc)
