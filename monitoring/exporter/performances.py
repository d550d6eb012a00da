"""Performance: what the newest run of each version found."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Engine

from churn import metrics
from churn.stores.performance import ALL, DEGRADED, NOT_DEGRADED, Look, PerformanceMeasure, PerformanceStore
from monitoring.exporter.facts import Facts, alone, seconds

MOST_VERSIONS = 5
"""Versions that are shown, those that were looked at last."""

HELD_OUT = "reference"
"""The source of what is not measured on live customers."""


def performance_facts(engine: Engine, model: str) -> Facts:
    """Return what is known of performance; nothing when the job never ran."""
    looks = sorted(PerformanceStore(engine).latest(model), key=_moment)[-MOST_VERSIONS:]
    if not looks:
        return {}
    runs = [run for run, _ in looks]
    live = [(version, one) for version, one in _of_all(looks) if one.source != HELD_OUT]
    return {
        metrics.PERFORMANCE_LAST_RUN: alone(max(seconds(run.at) for run in runs)),
        metrics.PERFORMANCE_LABELLED: {(str(run.model_version),): run.labelled for run in runs},
        metrics.PERFORMANCE_VALUE: {(version, one.measure, one.source): one.value for version, one in live},
        metrics.PERFORMANCE_LOW: {
            (version, one.measure, one.source): one.low for version, one in live if one.low is not None
        },
        metrics.PERFORMANCE_HIGH: {
            (version, one.measure, one.source): one.high for version, one in live if one.high is not None
        },
        metrics.PERFORMANCE_REFERENCE: {
            (version, one.measure): one.value for version, one in _of_all(looks) if one.source == HELD_OUT
        },
        metrics.PERFORMANCE_PART: {
            (version, one.dimension, one.part, one.measure): one.value for version, one in _of_parts(looks)
        },
        metrics.PERFORMANCE_DEGRADED: {
            (str(run.model_version),): run.status == DEGRADED for run in runs if run.status in (DEGRADED, NOT_DEGRADED)
        },
    }


def _moment(look: Look) -> str:
    return look[0].at


def _of_all(looks: Iterable[Look]) -> Iterator[tuple[str, PerformanceMeasure]]:
    for run, measures in looks:
        yield from ((str(run.model_version), one) for one in measures if one.dimension == ALL)


def _of_parts(looks: Iterable[Look]) -> Iterator[tuple[str, PerformanceMeasure]]:
    """Yield what outcomes say; a part that is only estimated would look as if it were known."""
    for run, measures in looks:
        observed = (one for one in measures if one.dimension != ALL and one.source == "observed")
        yield from ((str(run.model_version), one) for one in observed)
