"""What Prometheus is told of the shadow; families without series when there is none."""

from collections.abc import Iterator

from prometheus_client.core import Metric as Family

from churn import metrics
from services.exchange import ShadowState
from services.meters import family


def shadow_metrics(state: ShadowState | None) -> Iterator[Family]:
    """Yield the counts since the attendant took the shadow up, and the share of equal decisions among them."""
    of_version: tuple[str, ...] = (str(state.version),) if state else ()
    yield family(metrics.SHADOW_PREDICTIONS, {of_version: state.scored} if state else {})
    yield family(metrics.SHADOW_FAILURES, {of_version: state.failed + state.unreadable} if state else {})
    agreed = {of_version: state.agreed / state.scored} if state and state.scored else {}
    yield family(metrics.SHADOW_AGREEMENT, agreed)
