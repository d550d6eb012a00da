"""What the exporter knows of the log."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, text

from churn.settings import Settings
from churn.stores.database import open_migrated
from churn.stores.stage_runs import StageRunLog
from monitoring.exporter import StoreCollector
from pipelines.record import verify
from tests.churn.stores.log.logged import fill


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database=f"sqlite:///{tmp_path / 'churn.db'}")


@pytest.fixture
def engine(settings: Settings) -> Engine:
    engine = open_migrated(settings.database_url)
    fill(engine)
    return engine


def is_broken(engine: Engine) -> float | None:
    registry = CollectorRegistry()
    registry.register(StoreCollector("churn", engine, lambda: 3))
    return registry.get_sample_value("churn_log_broken")


def change(engine: Engine, door: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE predictions SET door = :door WHERE prediction_id = 'p-1'"), {"door": door})


def test_the_last_look_at_the_whole_log_says_whether_it_is_broken(engine: Engine, settings: Settings) -> None:
    assert is_broken(engine) is None
    verify(settings=settings)
    assert is_broken(engine) == 0
    change(engine, "x")
    verify(settings=settings)
    assert is_broken(engine) == 1
    change(engine, "fastapi")
    verify(settings=settings)
    assert is_broken(engine) == 0


def test_a_look_that_could_not_be_ended_changes_nothing(engine: Engine, settings: Settings) -> None:
    change(engine, "x")
    verify(settings=settings)
    log = StageRunLog(engine)
    log.begin("churn", "audit")
    log.end(log.begin("churn", "audit"), "failed", "the database was away")

    assert is_broken(engine) == 1


def test_a_look_at_a_part_tells_what_it_finds_and_ends_nothing(engine: Engine, settings: Settings) -> None:
    early, late = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC)
    change(engine, "x")
    verify(settings=settings, since=early)
    assert is_broken(engine) == 1
    verify(settings=settings, since=late)
    assert is_broken(engine) == 1
