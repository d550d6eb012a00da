"""Every metric of the doors. Labels are bounded; across several processes the values add up in a shared folder.

What each request counts is kept in tallies; `settle` and `exposition` add it to the metrics.
"""

import os
import re
from collections import Counter as Counts
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import REGISTRY, Collector

from churn.scoring.scorer import RiskLevel, Scorer
from services.reserved import reserve_metrics
from services.tallies import BulkHistogram, Ledger, Tally

reserve_metrics()  # before the first metric: each keeps the kind of file that it was made with

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
PROBABILITY_BUCKETS = tuple(step / 20 for step in range(1, 20))

REQUESTS = Counter("churn_http_requests", "Requests answered.", ["door", "route", "method", "status"])
DURATION = BulkHistogram(
    "churn_http_request_duration_seconds", "From the request's head to the last byte of its answer.",
    ["door", "route"], buckets=LATENCY_BUCKETS,
)  # fmt: skip
PREDICTIONS = Counter("churn_predictions", "Customers scored.", ["door", "model_version", "risk_level"])
PROBABILITY = BulkHistogram(
    "churn_predicted_probability", "Predicted probability of churn.",
    ["door", "model_version"], buckets=PROBABILITY_BUCKETS,
)  # fmt: skip
MISSING = Counter("churn_input_missing", "Values that were missing, by column.", ["column"])
UNKNOWN = Counter("churn_input_unknown", "Values outside the contract's categories, by column.", ["column"])
REJECTED = Counter("churn_rows_rejected", "Rows of batches that were set aside.", ["door"])
MODEL_INFO = Gauge(
    "churn_model_info", "Workers that serve this version now.",
    ["door", "name", "version", "digest"], multiprocess_mode="livesum",
)  # fmt: skip
MODEL_VERSION = Gauge(
    "churn_model_version", "Version that a worker serves; 0: none yet.", ["door", "worker"], multiprocess_mode="livemax"
)
MODEL_LOADED = Gauge(
    "churn_model_loaded_timestamp_seconds", "When a worker of this door last began to serve a version.",
    ["door"], multiprocess_mode="livemax",
)  # fmt: skip
LOAD_FAILURES = Counter("churn_model_load_failures", "Bundles that a worker refused to serve.", ["door"])
WAITING = Gauge(
    "churn_recorder_memory", "Predictions that wait in workers' memory because the disk takes none.",
    ["door"], multiprocess_mode="livesum",
)  # fmt: skip
LOST = Counter("churn_recorder_lost", "Predictions that were answered and could not be recorded.", ["door"])

LIVE_FILE = re.compile(r"^gauge_live\w+_(\d+)\.db$")


class VersionMeters:
    """The meters of one version at one door, looked up once: a look-up costs as much as counting."""

    def __init__(self, door: str, scorer: Scorer) -> None:
        version = str(scorer.version)
        levels: tuple[RiskLevel, ...] = ("LOW", "MEDIUM", "HIGH")
        self._probability = PROBABILITY.labels(door, version)
        self._by_level = {level: PREDICTIONS.labels(door, version, level) for level in levels}
        tally: Tally[tuple[float, RiskLevel]] = LEDGER.open(self._add)
        self._note = tally.note

    def count(self, probability: float, level: RiskLevel) -> None:
        """Count one prediction."""
        self._note((probability, level))

    def count_all(self, probabilities: np.ndarray, levels: Iterable[RiskLevel]) -> None:
        """Count the predictions of a batch at once."""
        self._probability.observe_all(probabilities)
        for level, times in Counts(levels).items():
            self._by_level[level].inc(times)

    def _add(self, notes: list[tuple[float, RiskLevel]]) -> None:
        probabilities, levels = zip(*notes, strict=True)
        self.count_all(np.array(probabilities), levels)


@cache
def _requests(door: str, route: str, method: str, status: int) -> Tally[float]:
    requests, duration = REQUESTS.labels(door, route, method, str(status)), DURATION.labels(door, route)

    def add(seconds: list[float]) -> None:
        requests.inc(len(seconds))
        duration.observe_all(np.array(seconds))

    return LEDGER.open(add)


def _inputs(metric: Counter) -> Tally[tuple[str, int]]:
    def add(notes: list[tuple[str, int]]) -> None:
        totals: Counts[str] = Counts()
        for column, times in notes:
            totals[column] += times
        for column, times in totals.items():
            metric.labels(column).inc(times)

    return LEDGER.open(add)


LEDGER = Ledger()
_missing, _unknown = _inputs(MISSING), _inputs(UNKNOWN)


def count_request(door: str, route: str, method: str, *, status: int, seconds: float) -> None:
    """Count one answered request. All four labels must come from closed lists."""
    _requests(door, route, method, status).note(seconds)


def count_missing(column: str, times: int = 1) -> None:
    """Count values of a contract's column that were missing."""
    _missing.note((column, times))


def count_unknown(column: str, times: int = 1) -> None:
    """Count values of a contract's column that no category lists."""
    _unknown.note((column, times))


def settle() -> None:
    """Add to the metrics what was counted since the last time."""
    LEDGER.settle()


def show_model(door: str, scorer: Scorer, *, loaded_at: float, before: Scorer | None) -> None:
    """Show which version this worker serves now."""
    if before is not None:
        MODEL_INFO.labels(door, before.name, str(before.version), before.digest).set(0)
    MODEL_INFO.labels(door, scorer.name, str(scorer.version), scorer.digest).set(1)
    MODEL_VERSION.labels(door, str(os.getpid())).set(scorer.version)
    MODEL_LOADED.labels(door).set(loaded_at)


def exposition(folder: Path | None, measured: Iterable[Metric]) -> bytes:
    """Return all metrics as text.

    Args:
        folder: where the processes of this door leave theirs; None: this process is alone.
        measured: facts about the home that no process counts, measured at this scrape.
    """
    settle()
    registry = CollectorRegistry()
    registry.register(_Measured(measured))
    if folder is None:
        return generate_latest(REGISTRY) + generate_latest(registry)
    forget_the_dead(folder)
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def forget_the_dead(folder: Path) -> None:
    """Drop the live gauges of processes that are gone; their counters stay."""
    for pid in {int(found[1]) for path in folder.iterdir() if (found := LIVE_FILE.match(path.name))}:
        if not _is_alive(pid):
            mark_process_dead(pid, path=str(folder))  # type: ignore[no-untyped-call]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class _Measured(Collector):
    def __init__(self, measured: Iterable[Metric]) -> None:
        self._measured = list(measured)

    def collect(self) -> Iterable[Metric]:
        """Return what was measured."""
        return self._measured
