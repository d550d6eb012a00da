"""The collector: asks each store when Prometheus asks. What can't be asked is not shown: no old number looks fresh.

Reads:  the SQL store; in the registry the aliases, and the run behind `production`.
Writes: nothing.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from churn import metrics
from churn.errors import StoreError
from churn.metrics import EXPORTED, Metric
from churn.stores.agreement import Stray
from monitoring.exporter.customers import customer_facts
from monitoring.exporter.drifts import drift_facts
from monitoring.exporter.facts import Facts, alone, shown
from monitoring.exporter.moves import move_facts, stray_facts
from monitoring.exporter.neighbours import neighbour_facts
from monitoring.exporter.performances import performance_facts
from monitoring.exporter.record import record_facts
from monitoring.exporter.releases import release_facts
from monitoring.exporter.remembered import Remembered
from monitoring.exporter.verdicts import verdict_facts
from monitoring.exporter.work import job_facts, stage_facts

log = logging.getLogger(__name__)

SUBJECTS: tuple[Callable[[Engine, str], Facts], ...] = (
    move_facts, verdict_facts, release_facts, drift_facts, performance_facts, job_facts, stage_facts,
    record_facts,
)  # fmt: skip
"""Asked at every scrape."""

ProductionVersion = Callable[[], int | None]
"""Asks the registry; None: nothing is in production. Raises StoreError when it does not answer."""

HeldOut = Callable[[int], Mapping[str, float]]
"""Returns a version's measures on customers held out of its training. Raises likewise."""


def nothing_held_out(_version: int) -> Mapping[str, float]:
    """Know of no version how good it was."""
    return {}


Strays = Callable[[], Iterable[Stray]]
"""Asks the registry and the store which aliases somebody moved behind our back. Raises likewise."""


def no_strays() -> Iterable[Stray]:
    """Know of none."""
    return ()


class StoreCollector(Collector):
    """What the stores know, each metric at every scrape, though it may have no series."""

    def __init__(
        self, model: str, engine: Engine, production_version: ProductionVersion,
        held_out: HeldOut = nothing_held_out, *, strays: Strays = no_strays,
        neighbours: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._model, self._engine, self._strays = model, engine, strays
        self._production_version, self._held_out = production_version, held_out
        self._neighbours = neighbours or {}
        self._sums = Remembered(lambda: customer_facts(engine, model))
        self._problems: dict[Metric, str] = {}

    def collect(self) -> Iterable[Family]:
        """Return what each store knows, or only that it is away."""
        facts: dict[Metric, Mapping[tuple[str, ...], float]] = {}
        for is_up, ask in ((metrics.REGISTRY_UP, self._of_registry), (metrics.STORE_UP, self._of_store)):
            for metric, series in self._asked(is_up, ask):
                facts[metric] = {**facts.get(metric, {}), **series}
        return shown({**facts, **self._of_both(), **neighbour_facts(self._neighbours)}, EXPORTED)

    def _asked(
        self, is_up: Metric, ask: Callable[[], Facts]
    ) -> Iterator[tuple[Metric, Mapping[tuple[str, ...], float]]]:
        try:
            found = ask()
        except StoreError as error:
            self._note(is_up, str(error))
            yield is_up, alone(0)
            return
        self._note(is_up, "")
        yield is_up, alone(1)
        yield from found.items()

    def _note(self, is_up: Metric, problem: str) -> None:
        """Log a store that goes away or comes back once, not at every scrape."""
        if bool(problem) != bool(self._problems.get(is_up)):
            log.warning("store away" if problem else "store back", extra={"metric": is_up.name, "reason": problem})
        self._problems[is_up] = problem

    def _of_store(self) -> Facts:
        found = [subject(self._engine, self._model) for subject in SUBJECTS]
        return {metric: series for facts in (*found, self._sums.get() or {}) for metric, series in facts.items()}

    def _of_both(self) -> Facts:
        """Where one of both is away, nobody knows: that is told by the other metrics."""
        try:
            return stray_facts(self._strays())
        except StoreError:
            return {}

    def _of_registry(self) -> Facts:
        version = self._production_version() or 0
        held_out = self._held_out(version) if version else {}
        return {
            metrics.PRODUCTION_VERSION: alone(version),
            metrics.PERFORMANCE_REFERENCE: {(str(version), measure): value for measure, value in held_out.items()},
        }
