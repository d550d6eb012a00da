"""A door's page of metrics, as it was at one moment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from prometheus_client.parser import text_string_to_metric_families

from churn.metrics import Metric

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """Samples by name, each with its labels."""

    samples: Mapping[str, list[tuple[Labels, float]]]

    def total(self, metric: Metric, **labels: str) -> float:
        """Return the sum of a counter's or a gauge's series that carry these labels; 0 without any."""
        name = f"{metric.name}_total" if metric.kind == "counter" else metric.name
        return self._sum(name, labels)

    def series(self, metric: Metric) -> Iterator[tuple[Labels, float]]:
        """Yield the series of a counter or a gauge."""
        yield from self._of(f"{metric.name}_total" if metric.kind == "counter" else metric.name, {})

    def histogram(self, metric: Metric, **labels: str) -> dict[float, float]:
        """Return how many were observed up to each bound, `inf` the last; empty when none was."""
        found: dict[float, float] = {}
        for carried, value in self._of(f"{metric.name}_bucket", labels):
            bound = inf if carried["le"] == "+Inf" else float(carried["le"])
            found[bound] = found.get(bound, 0.0) + value
        return dict(sorted(found.items()))

    def observed(self, metric: Metric, **labels: str) -> tuple[float, float]:
        """Return how many a histogram has observed, and their sum."""
        count, total = (
            sum(value for _, value in self._of(f"{metric.name}{end}", labels)) for end in ("_count", "_sum")
        )
        return count, total

    def _sum(self, name: str, labels: Labels) -> float:
        return sum(value for _, value in self._of(name, labels))

    def _of(self, name: str, labels: Labels) -> Iterator[tuple[Labels, float]]:
        for carried, value in self.samples.get(name, ()):
            if labels.items() <= carried.items():
                yield carried, value


def read_page(text: str) -> Page:
    """Parse a page in Prometheus' text format.

    Raises:
        ValueError: it is something else.
    """
    samples: dict[str, list[tuple[Labels, float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return Page(samples)
