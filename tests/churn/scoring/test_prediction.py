import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.errors import ContractError
from churn.scoring.prediction import Prediction, utc_now, utc_text

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=64)
LATER = ("segment", "expected_loss", "expected_profit", "priority_score")
VALUES = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
PREDICTIONS = st.builds(
    Prediction,
    prediction_id=TEXT,
    customer_id=TEXT,
    model_name=TEXT,
    model_version=st.integers(0, 10_000),
    role=st.sampled_from(["production", "shadow"]),
    door=TEXT,
    inputs=st.dictionaries(TEXT, VALUES),
    probability=st.floats(0, 1),
    threshold=st.floats(0, 1),
    churn_prediction=st.integers(0, 1),
    risk_level=st.sampled_from(["LOW", "MEDIUM", "HIGH"]),
    predicted_at=st.datetimes(timezones=st.just(UTC)).map(utc_text),
    segment=st.none() | TEXT,
    expected_loss=st.none() | st.floats(0, 1e12),
    expected_profit=st.none() | st.floats(-1e12, 1e12),
    priority_score=st.none() | st.floats(0, 100),
)


@given(PREDICTIONS)
def test_a_prediction_survives_its_line_of_json(prediction: Prediction) -> None:
    line = prediction.to_json()

    assert b"\n" not in line
    assert Prediction.from_json(line) == prediction


def test_a_line_of_before_standings_were_recorded_is_read() -> None:
    made = Prediction(
        "p", "c", "churn", 1, "production", "api", {}, 0.6, 0.4, 1, "HIGH", utc_now(), "new", 1.0, 2.0, 3.0
    )
    fields = json.loads(made.to_json())
    kept = {name: value for name, value in fields.items() if name not in LATER}

    found = Prediction.from_json(json.dumps(kept).encode())

    assert len(kept) == len(fields) - len(LATER)
    assert found == replace(made, **dict.fromkeys(LATER))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "line: Invalid JSON"),
        (b"[]", "line: "),
        (b'{"prediction_id": "p"}', "customer_id: Field required"),
    ],
)
def test_a_line_that_is_no_prediction_is_refused(line: bytes, reason: str) -> None:
    with pytest.raises(ContractError, match=reason):
        Prediction.from_json(line)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b"0.61", b"1.61", "probability"),
        (b"0.61", b"null", "probability"),
        (b'"HIGH"', b"7", "risk_level"),
        (b"7590-VHVEG", b"7590\\u0000", "customer_id"),
        (b"7590-VHVEG", b"7" * 256, "customer_id"),
        (b'Z"', b'"', "predicted_at: .*time zone"),
        (b'"20', b'"', "predicted_at"),
        (b'"segment":null', b'"segment":""', "segment"),
        (b'"expected_loss":null', b'"expected_loss":NaN', "expected_loss|JSON"),
        (b'"priority_score":null', b'"priority_score":100.1', "priority_score"),
    ],
)
def test_a_field_out_of_its_bounds_is_named_but_its_value_is_not_told(old: bytes, new: bytes, field: str) -> None:
    line = Prediction("p", "7590-VHVEG", "churn", 1, "production", "api", {}, 0.61, 0.4, 1, "HIGH", utc_now()).to_json()

    with pytest.raises(ContractError, match=field) as caught:
        Prediction.from_json(line.replace(old, new))

    assert "7590" not in str(caught.value)


def test_a_moment_in_another_time_zone_is_read_as_utc() -> None:
    made = Prediction("p", "c", "churn", 1, "production", "api", {}, 0.6, 0.4, 1, "HIGH", "2026-11-21T12:00:00+02:00")

    assert Prediction.from_json(made.to_json()).predicted_at == "2026-11-21T10:00:00.000Z"


def test_moments_are_written_in_utc_and_sort_as_time_does() -> None:
    noon = datetime(2026, 11, 21, 12, 0, 0, 1_900, tzinfo=timezone(timedelta(hours=2)))

    assert utc_text(noon) == "2026-11-21T10:00:00.001Z"
    assert utc_text(noon - timedelta(milliseconds=2)) < utc_text(noon)
