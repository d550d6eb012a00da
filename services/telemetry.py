"""What the doors count. Labels are bounded; across several processes the values add up in a shared folder.

What each request counts is kept in tallies; `settle` and `exposition` add it to the metrics.
"""

import os
import re
from collections import Counter as Counts
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import REGISTRY, Collector

from churn import metrics
from churn.retention.offers import Action
from churn.scoring.scorer import RiskLevel, Scorer
from services.living import is_alive
from services.load import Load
from services.meters import counter, gauge, histogram
from services.reserved import reserve_metrics
from services.tallies import Ledger, Tally
from services.usage import Usage

reserve_metrics()  # before the first metric: each keeps the kind of file that it was made with

REQUESTS = counter(metrics.HTTP_REQUESTS)
DURATION = histogram(metrics.HTTP_REQUEST_DURATION)
IN_FLIGHT = gauge(metrics.HTTP_IN_FLIGHT, "livesum")
IN_FLIGHT_LIMIT = gauge(metrics.HTTP_IN_FLIGHT_LIMIT, "livesum")
CPU = counter(metrics.DOOR_CPU)
MEMORY = gauge(metrics.DOOR_MEMORY, "livesum")
REFUSED = counter(metrics.HTTP_REFUSED)
PREDICTIONS = counter(metrics.PREDICTIONS)
PROBABILITY = histogram(metrics.PROBABILITY)
SCORING = histogram(metrics.VERSION_SCORING)
FAILURES = counter(metrics.VERSION_FAILURES)
FALLBACKS = counter(metrics.CANARY_FALLBACKS)
SHARE = gauge(metrics.CANARY_SHARE, "livemax")
OFFERS = counter(metrics.OFFERS_RECOMMENDED)
MISSING = counter(metrics.INPUT_MISSING)
UNKNOWN = counter(metrics.INPUT_UNKNOWN)
REJECTED = counter(metrics.ROWS_REJECTED)
MODEL_INFO = gauge(metrics.MODEL_INFO, "livesum")
MODEL_VERSION = gauge(metrics.MODEL_VERSION, "livemax")
MODEL_LOADED = gauge(metrics.MODEL_LOADED, "livemax")
LOAD_FAILURES = counter(metrics.LOAD_FAILURES)
WAITING = gauge(metrics.RECORDER_MEMORY, "livesum")
LOST = counter(metrics.RECORDER_LOST)

Reason = Literal["full", "limit", "not_ready"]
REASONS: tuple[Reason, ...] = ("full", "limit", "not_ready")
LIVE_FILE = re.compile(r"^gauge_live\w+_(\d+)\.db$")


class VersionMeters:
    """The meters of one version at one door, looked up once: a look-up costs as much as counting.

    Attributes:
        recommend: counts the offers that one customer was recommended.
        note_seconds: counts how long the run took that scored a customer.
    """

    def __init__(self, door: str, scorer: Scorer) -> None:
        version = str(scorer.version)
        levels: tuple[RiskLevel, ...] = ("LOW", "MEDIUM", "HIGH")
        self._probability = PROBABILITY.labels(door, version)
        self._by_level = {level: PREDICTIONS.labels(door, version, level) for level in levels}
        self._by_offer = {name: OFFERS.labels(door, name) for name in scorer.offers.names}
        tally: Tally[tuple[float, RiskLevel]] = LEDGER.open(self._add)
        self._note = tally.note
        advised: Tally[Sequence[Action]] = LEDGER.open(self._add_actions)
        self.recommend = advised.note
        scoring = SCORING.labels(door, version)
        runs: Tally[float] = LEDGER.open(lambda seconds: scoring.observe_all(np.array(seconds)))
        self.note_seconds = runs.note
        self._failures, self._fallbacks = FAILURES.labels(door, version), FALLBACKS.labels(door, version)

    def count(self, probability: float, level: RiskLevel) -> None:
        """Count one prediction."""
        self._note((probability, level))

    def count_all(self, probabilities: np.ndarray, levels: Iterable[RiskLevel]) -> None:
        """Count the predictions of a batch at once."""
        self._probability.observe_all(probabilities)
        for level, times in Counts(levels).items():
            self._by_level[level].inc(times)

    def fail(self, customers: int = 1) -> None:
        """Count customers whom the version failed on."""
        self._failures.inc(customers)

    def fall_back(self, customers: int = 1) -> None:
        """Count customers whom the version failed on, and whom production answered."""
        self.fail(customers)
        self._fallbacks.inc(customers)

    def _add(self, notes: list[tuple[float, RiskLevel]]) -> None:
        probabilities, levels = zip(*notes, strict=True)
        self.count_all(np.array(probabilities), levels)

    def _add_actions(self, notes: list[Sequence[Action]]) -> None:
        for name, times in Counts(action.offer for actions in notes for action in actions).items():
            self._by_offer[name].inc(times)


@cache
def _requests(door: str, route: str, method: str, status: int) -> Tally[float]:
    requests, duration = REQUESTS.labels(door, route, method, str(status)), DURATION.labels(door, route)

    def add(seconds: list[float]) -> None:
        requests.inc(len(seconds))
        duration.observe_all(np.array(seconds))

    return LEDGER.open(add)


@cache
def _refused(door: str, reason: Reason) -> Tally[None]:
    refused = REFUSED.labels(door, reason)
    return LEDGER.open(lambda notes: refused.inc(len(notes)))


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


def count_refused(door: str, reason: Reason) -> None:
    """Count one request that was refused, and may be sent again."""
    _refused(door, reason).note(None)


def count_missing(column: str, times: int = 1) -> None:
    """Count values of a contract's column that were missing."""
    _missing.note((column, times))


def count_unknown(column: str, times: int = 1) -> None:
    """Count values of a contract's column that no category lists."""
    _unknown.note((column, times))


def settle() -> None:
    """Add to the metrics what was counted since the last time."""
    LEDGER.settle()


def show_door(door: str) -> None:
    """Show from the start, with 0, what may never happen: a rate needs a first value."""
    MODEL_VERSION.labels(door, str(os.getpid()))
    SHARE.labels(door).set(0)
    for each in (LOAD_FAILURES, LOST, REJECTED):
        each.labels(door)
    for reason in REASONS:
        REFUSED.labels(door, reason)


def show_load(door: str, load: Load, usage: Usage) -> None:
    """Show how much this worker has in hand, and may have, and what it takes of the machine."""
    IN_FLIGHT.labels(door).set(load.take_peak())
    IN_FLIGHT_LIMIT.labels(door).set(load.most)
    CPU.labels(door).inc(usage.take_seconds())
    MEMORY.labels(door).set(usage.resident_bytes())


def show_model(door: str, scorer: Scorer, *, loaded_at: float, before: Scorer | None) -> None:
    """Show which version this worker serves now."""
    if before is not None:
        MODEL_INFO.labels(door, before.name, str(before.version), before.digest).set(0)
    MODEL_INFO.labels(door, scorer.name, str(scorer.version), scorer.digest).set(1)
    MODEL_VERSION.labels(door, str(os.getpid())).set(scorer.version)
    MODEL_LOADED.labels(door).set(loaded_at)


def show_canary(door: str, share: float) -> None:
    """Show the share of the customers that the canary answers; 0: there is none."""
    SHARE.labels(door).set(share)


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
        if not is_alive(pid):
            mark_process_dead(pid, path=str(folder))  # type: ignore[no-untyped-call]


class _Measured(Collector):
    def __init__(self, measured: Iterable[Metric]) -> None:
        self._measured = list(measured)

    def collect(self) -> Iterable[Metric]:
        """Return what was measured."""
        return self._measured
