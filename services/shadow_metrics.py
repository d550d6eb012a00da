"""What Prometheus is told of the shadow; nothing when there is none."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from services.exchange import ShadowState

LABELS = ["version"]


def shadow_metrics(state: ShadowState | None) -> Iterator[Metric]:
    """Yield the counts since the attendant took the shadow up, and the share of equal decisions among them."""
    if state is None:
        return
    yield _counter("churn_shadow_predictions", "Live customers that the shadow scored.", state, state.scored)
    yield _counter(
        "churn_shadow_failures",
        "Live customers that the shadow was to score and did not: it failed, or its contract does not hold for them.",
        state,
        state.failed + state.unreadable,
    )
    if state.scored:
        agreement = GaugeMetricFamily(
            "churn_shadow_agreement", "Share of the shadow's decisions that are production's too.", labels=LABELS
        )
        agreement.add_metric([str(state.version)], state.agreed / state.scored)
        yield agreement


def _counter(name: str, text: str, state: ShadowState, value: int) -> Metric:
    family = CounterMetricFamily(name, text, labels=LABELS)
    family.add_metric([str(state.version)], value)
    return family
