"""Meters: what prometheus_client counts with, made from the metric catalogue."""

from collections.abc import Mapping
from typing import Literal

from prometheus_client import Counter, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family

from churn.metrics import Metric
from services.tallies import BulkHistogram

Mode = Literal["livesum", "livemax"]
"""How the gauges of several processes become one; a dead process has no part in it."""


def counter(metric: Metric) -> Counter:
    """Make a counter."""
    return Counter(metric.name, metric.text, metric.labels)


def gauge(metric: Metric, mode: Mode) -> Gauge:
    """Make a gauge."""
    return Gauge(metric.name, metric.text, metric.labels, multiprocess_mode=mode)


def histogram(metric: Metric) -> BulkHistogram:
    """Make a histogram."""
    return BulkHistogram(metric.name, metric.text, metric.labels, buckets=metric.buckets)


def family(metric: Metric, series: Mapping[tuple[str, ...], float]) -> Family:
    """Return what is known elsewhere, a counter or a gauge, as it is shown.

    Args:
        metric: which.
        series: value by the labels' values.
    """
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    shown = kind(metric.name, metric.text, labels=metric.labels)
    for labels, value in series.items():
        shown.add_metric(labels, value)
    return shown
