"""The exporter, as Prometheus sees it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from churn.errors import StoreError, UsageError
from churn.stores.agreement import Stray
from churn.stores.database import open_migrated
from churn.stores.drift import DriftMeasure, DriftRun, DriftStore
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import Move, PromotionLog
from monitoring.exporter import ProductionVersion, StoreCollector, serve
from monitoring.exporter.collector import Strays
from monitoring.production import production_version
from monitoring.settings import MonitoringSettings
from tests.churn.stores.records import prediction
from tests.postgres import free_port

AT = "2026-11-21T06:00:00.000Z"
RUN = DriftRun("churn", 3, AT, AT, AT, rows=500, drifted_share=0.25, is_drifted=True, report="drift.html")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_migrated(f"sqlite:///{tmp_path / 'churn.db'}")
    yield engine
    engine.dispose()


def scraped(engine: Engine, version: ProductionVersion = lambda: 3) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(StoreCollector("churn", engine, version))
    return registry


def away() -> int:
    raise StoreError("the registry did not answer")


def test_the_newest_drift_run_is_shown_column_by_column(engine: Engine) -> None:
    store = DriftStore(engine)
    store.add(replace(RUN, rows=1), [DriftMeasure("old", "psi", 1, 0.1, is_drifted=True, is_decisive=True)])
    store.add(RUN, [DriftMeasure("tenure", "psi", 0.4, 0.1, is_drifted=True, is_decisive=True)])

    seen = scraped(engine)

    assert seen.get_sample_value("churn_drift_score", {"column": "tenure", "method": "psi"}) == 0.4
    assert seen.get_sample_value("churn_drift_is_drifted", {"column": "tenure"}) == 1
    assert seen.get_sample_value("churn_drift_is_drifted", {"column": "old"}) is None
    assert seen.get_sample_value("churn_drift_window_rows") == 500
    assert seen.get_sample_value("churn_drift_drifted_share_ratio") == 0.25
    assert seen.get_sample_value("churn_drift_last_run_timestamp_seconds") == 1795240800.0


def test_moves_and_stored_predictions_are_counted(engine: Engine) -> None:
    moves = PromotionLog(engine)
    moves.finish(moves.prepare(Move("churn", "promote", None, 3, "me"), reason=""), "done")
    moves.finish(moves.prepare(Move("churn", "promote", 3, 4, "me"), reason=""), "refused")
    PredictionStore(engine).add([prediction(number) for number in range(3)])

    seen = scraped(engine)

    assert seen.get_sample_value("churn_promotions_total", {"action": "promote", "status": "done"}) == 1
    assert seen.get_sample_value("churn_promotions_total", {"action": "promote", "status": "refused"}) == 1
    assert seen.get_sample_value("churn_promotions_total", {"action": "rollback", "status": "done"}) == 0
    assert seen.get_sample_value("churn_predictions_stored_total", {"version": "3"}) == 3
    assert seen.get_sample_value("churn_production_version") == 3


def test_a_store_that_goes_away_is_down_and_its_old_numbers_are_gone(tmp_path: Path, engine: Engine) -> None:
    DriftStore(engine).add(RUN, [])
    seen = scraped(engine)
    assert seen.get_sample_value("churn_drift_window_rows") == 500

    for file in tmp_path.glob("churn.db*"):
        file.unlink()
    engine.dispose()

    assert seen.get_sample_value("churn_store_up") == 0
    assert seen.get_sample_value("churn_drift_window_rows") is None
    assert seen.get_sample_value("churn_production_version") == 3


def test_a_registry_that_is_away_is_down_and_the_store_is_still_shown(engine: Engine) -> None:
    DriftStore(engine).add(RUN, [])

    seen = scraped(engine, away)

    assert seen.get_sample_value("churn_registry_up") == 0
    assert seen.get_sample_value("churn_production_version") is None
    assert seen.get_sample_value("churn_drift_window_rows") == 500


def test_an_empty_alias_is_version_0(engine: Engine) -> None:
    assert scraped(engine, lambda: None).get_sample_value("churn_production_version") == 0


def test_a_registry_that_nobody_made_is_away_and_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = MonitoringSettings(home=tmp_path, tracking=f"sqlite:///{tmp_path / 'mlflow.db'}")

    with pytest.raises(StoreError, match=r"there is no registry at .*mlflow\.db yet: `churn ring` makes one"):
        production_version(settings)

    assert not (tmp_path / "mlflow.db").exists()


@contextmanager
def running(settings: MonitoringSettings) -> Iterator[str]:
    said: SimpleQueue[str] = SimpleQueue()
    ending = threading.Event()
    thread = threading.Thread(target=serve, args=(settings, lambda: 3), kwargs={"say": said.put, "until": ending})
    thread.start()
    try:
        yield said.get(timeout=10).removeprefix("metrics at ")
    finally:
        ending.set()
        thread.join()


def test_it_answers_over_http_and_says_when_its_port_is_taken(tmp_path: Path, engine: Engine) -> None:
    settings = MonitoringSettings(home=tmp_path, database=str(engine.url), exporter_port=free_port())

    with running(settings) as url:
        with urlopen(url, timeout=10) as answer:  # noqa: S310  our own server
            assert b"churn_production_version 3.0" in answer.read()
        with pytest.raises(UsageError, match=r"can't listen on 127\.0\.0\.1:\d+: .*in use.*--port"):
            serve(settings, lambda: 3, say=str, until=threading.Event())


def test_a_move_that_was_begun_is_counted_until_it_ends(engine: Engine) -> None:
    moves, seen = PromotionLog(engine), scraped(engine)
    of_canary = {"alias": "canary"}
    move_id = moves.prepare(Move("churn", "give", None, 3, "me", alias="canary"), reason="")

    begun = seen.get_sample_value("churn_moves_unfinished", of_canary)
    moves.finish(move_id, "done")

    assert (begun, seen.get_sample_value("churn_moves_unfinished", of_canary)) == (1, 0)
    assert seen.get_sample_value("churn_moves_unfinished", {"alias": "production"}) == 0


def test_an_alias_that_was_moved_behind_our_back_is_1_and_not_shown_when_nobody_knows(engine: Engine) -> None:
    def shown(strays: Strays) -> dict[str, float | None]:
        registry = CollectorRegistry()
        registry.register(StoreCollector("churn", engine, lambda: 3, strays=strays))
        return {
            alias: registry.get_sample_value("churn_alias_moved_outside", {"alias": alias})
            for alias in ("production", "canary")
        }

    assert shown(lambda: [Stray("production", 3, 2)]) == {"production": 1, "canary": 0}
    assert shown(list) == {"production": 0, "canary": 0}
    assert shown(no_answer) == {"production": None, "canary": None}


def no_answer() -> list[Stray]:
    raise StoreError("one of them did not answer")
