"""Volume against the windows before."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from churn.scoring.prediction import utc_text
from churn.stores.predictions import PredictionStore
from churn.stores.traffic import TrafficStore
from monitoring.volume import Volume, is_unusual, measure_volume
from tests.churn.stores.records import prediction
from tests.monitoring.conftest import Eyes

END = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("rows", "earlier", "expected"),
    [
        (100, [90, 110, 100], False),
        (0, [90, 110, 100], True),
        (200, [90, 110, 100], False),
        (260, [90, 110, 100], True),
        (0, [5, 4, 6], False),
        (20, [2, 1, 3], True),
        (0, [100, 0, 100, 120], False),
        (0, [0, 0, 0], False),
    ],
    ids=["as ever", "nothing", "twice", "a jump", "chance", "far beyond chance", "as on Sundays", "always silent"],
)
def test_a_volume_is_unusual_beyond_twice_the_range_of_before_and_beyond_chance(
    rows: int, earlier: list[int], *, expected: bool
) -> None:
    assert is_unusual(rows, earlier) is expected


def test_a_drop_to_nothing_is_seen(eyes: Eyes) -> None:
    _record(eyes.engine, hours=[30, 30, 30, 30, 0])

    assert _volume(eyes.engine) == Volume(0, 0.0, 30.0, has_changed=True)


def test_the_window_of_the_first_answer_tells_nothing_and_few_windows_neither(eyes: Eyes) -> None:
    """It began somewhere within it."""
    _record(eyes.engine, hours=[10, 30, 30, 30])

    assert _volume(eyes.engine) == Volume(30, 30.0, None, has_changed=None)


def _record(engine: Engine, hours: Sequence[int]) -> None:
    starts = [END - (len(hours) - place) * HOUR for place in range(len(hours))]
    records = [
        prediction(f"{start:%d-%H}-{number}", predicted_at=utc_text(start + timedelta(minutes=1)))
        for start, rows in zip(starts, hours, strict=True)
        for number in range(rows)
    ]
    PredictionStore(engine).add(records)


def _volume(engine: Engine) -> Volume:
    return measure_volume(TrafficStore(engine), "churn", (END - HOUR, END))
