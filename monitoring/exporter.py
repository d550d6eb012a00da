"""The exporter: what the SQL store and the registry know, asked anew at every scrape.

Reads:  drift runs, promotions and predictions in the SQL store; the alias `production` in the registry.
Writes: nothing. What can't be asked is not shown, so that no old number looks fresh.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from churn.errors import StoreError, UsageError
from churn.stores.database import open_database
from churn.stores.drift import DriftMeasure, DriftRun, DriftStore
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import Promotion, PromotionLog
from monitoring.settings import MonitoringSettings

log = logging.getLogger(__name__)

MOVES = [(action, status) for action in ("promote", "rollback") for status in ("prepared", "done", "refused", "failed")]
"""Shown from the start with 0: a rate needs a first value."""

ALL = 1_000_000

ProductionVersion = Callable[[], int | None]
"""Asks the registry; None: nothing is in production. Raises StoreError when it does not answer."""


class StoreCollector(Collector):
    """Asks the stores when Prometheus asks."""

    def __init__(self, model: str, engine: Engine, production_version: ProductionVersion) -> None:
        self._model, self._engine, self._production_version = model, engine, production_version
        self._problems: dict[str, str] = {}

    def collect(self) -> Iterable[Metric]:
        """Return what each store knows, or only that it is away."""
        yield from self._asked("churn_store_up", "1: the SQL store answers.", self._of_store)
        yield from self._asked("churn_registry_up", "1: the registry answers.", self._of_registry)

    def _asked(self, name: str, text: str, ask: Callable[[], Iterator[Metric]]) -> Iterator[Metric]:
        try:
            found = list(ask())
        except StoreError as error:
            self._note(name, str(error))
            yield GaugeMetricFamily(name, text, 0)
            return
        self._note(name, "")
        yield GaugeMetricFamily(name, text, 1)
        yield from found

    def _note(self, name: str, problem: str) -> None:
        """Log a store that goes away or comes back once, not at every scrape."""
        if bool(problem) != bool(self._problems.get(name)):
            log.warning("store away" if problem else "store back", extra={"metric": name, "reason": problem})
        self._problems[name] = problem

    def _of_store(self) -> Iterator[Metric]:
        moves = PromotionLog(self._engine).history(self._model, ALL)
        yield _count_moves(moves)
        yield self._count_predictions(sorted({move.to_version for move in moves if move.to_version}))
        latest = DriftStore(self._engine).latest(self._model)
        if latest:
            yield from _drift_gauges(*latest)

    def _count_predictions(self, versions: Iterable[int]) -> Metric:
        family = CounterMetricFamily(
            "churn_predictions_stored", "Predictions in the SQL store, by version.", labels=["version"]
        )
        store = PredictionStore(self._engine)
        for version in versions:
            family.add_metric([str(version)], store.count(self._model, model_version=version))
        return family

    def _of_registry(self) -> Iterator[Metric]:
        version = self._production_version() or 0
        yield GaugeMetricFamily("churn_production_version", "Version in production; 0: none.", version)


def _count_moves(moves: Iterable[Promotion]) -> Metric:
    counts = dict.fromkeys(MOVES, 0)
    for move in moves:
        counts[move.action, move.status] += 1
    family = CounterMetricFamily(
        "churn_promotions", "Moves of the production alias in the audit.", labels=["action", "status"]
    )
    for (action, status), count in counts.items():
        family.add_metric([action, status], count)
    return family


def _drift_gauges(run: DriftRun, measures: Iterable[DriftMeasure]) -> Iterator[Metric]:
    at = datetime.fromisoformat(run.at).timestamp()
    yield GaugeMetricFamily("churn_drift_last_run_timestamp_seconds", "When the drift job last measured.", at)
    yield GaugeMetricFamily("churn_drift_window_rows", "Customers in the last live window.", run.rows)
    yield GaugeMetricFamily("churn_drift_model_version", "Version that the last run looked at.", run.model_version)
    yield GaugeMetricFamily("churn_drift_drifted_share_ratio", "Share of columns that drifted.", run.drifted_share)
    yield GaugeMetricFamily("churn_drift_detected", "1: the last window as a whole drifted.", run.is_drifted)
    score = GaugeMetricFamily(
        "churn_drift_score", "Distance from the reference, by the deciding method.", labels=["column", "method"]
    )
    is_drifted = GaugeMetricFamily("churn_drift_is_drifted", "1: the column drifted.", labels=["column"])
    for one in (each for each in measures if each.is_decisive):
        score.add_metric([one.column_name, one.method], one.value)
        is_drifted.add_metric([one.column_name], one.is_drifted)
    yield from (score, is_drifted)


def serve(
    settings: MonitoringSettings,
    production_version: ProductionVersion,
    *,
    say: Callable[[str], None],
    until: threading.Event,
) -> None:
    """Answer scrapes at `/metrics` until the event is set; `say` is told once when it can be asked.

    Raises:
        UsageError: the port is taken.
    """
    registry = CollectorRegistry()
    collector = StoreCollector(settings.model, open_database(settings.database_url), production_version)
    list(collector.collect())  # mlflow takes seconds to import: longer than Prometheus waits for a first scrape
    registry.register(collector)
    ProcessCollector(registry=registry)
    host, port = settings.exporter_host, settings.exporter_port
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise UsageError(f"can't listen on {host}:{port}: {error.strerror}. Choose another with --port") from error
    say(f"metrics at http://{host}:{port}/metrics")
    until.wait()
    server.shutdown()
    server.server_close()
    thread.join()
