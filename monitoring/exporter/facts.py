"""Facts: values of metrics by their labels, and how they are shown."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family

from churn.metrics import Metric

Series = Mapping[tuple[str, ...], float]
"""Value by the labels' values, in the order of the metric's labels."""

Facts = Mapping[Metric, Series]


def alone(value: float) -> Series:
    """Return the one series of a metric without labels."""
    return {(): float(value)}


def from_zero(labels: Iterable[tuple[str, ...]]) -> Series:
    """Return series that are shown from the start: a rate needs a first value."""
    return dict.fromkeys(labels, 0.0)


def seconds(moment: str) -> float:
    """Return a stored moment in seconds since 1970."""
    return datetime.fromisoformat(moment).timestamp()


def shown(facts: Facts, metrics: Iterable[Metric]) -> Iterator[Family]:
    """Yield each of the metrics; one that nothing is known of has no series."""
    for metric in metrics:
        kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        family = kind(metric.name, metric.text, labels=metric.labels)
        for labels, value in facts.get(metric, {}).items():
            family.add_metric(labels, value)
        yield family
