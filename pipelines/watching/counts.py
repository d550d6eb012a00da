"""What doors have counted: of one version, and of themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

from churn import metrics
from churn.metric_page import Page

REFUSED, FULL = "422", "503"
Histogram = Mapping[float, float]
"""How many were at most so many seconds, by that bound; `inf` is the last."""

ROUTES = ("predict", "explain", "invocations", "infer")
"""Words of the routes that score."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Counted since the doors began, or between two moments.

    Attributes:
        predictions: customers whom the version scored.
        failures: customers whom it was to score and could not.
        requests: answers at the routes that score, whichever version scored.
        broken: of those, a status of 500 or more; 503 left out, which says that there was no room.
        refused: of those, 422: the contract does not hold for the customer.
        scoring: seconds that the version took to score a request.
        answering: seconds that these routes took to answer.
    """

    predictions: float = 0.0
    failures: float = 0.0
    requests: float = 0.0
    broken: float = 0.0
    refused: float = 0.0
    scoring: Histogram = field(default_factory=dict)
    answering: Histogram = field(default_factory=dict)

    def __add__(self, other: "Counts") -> "Counts":
        """Return what both have counted."""
        return _each(self, other, lambda mine, theirs: mine + theirs)

    def since(self, earlier: "Counts") -> "Counts":
        """Return what was counted since; a door that has begun anew counts from 0."""
        if self.predictions < earlier.predictions or self.requests < earlier.requests:
            return self
        return _each(self, earlier, lambda mine, theirs: max(mine - theirs, 0.0))


def read_counts(page: Page, version: int | None) -> Counts:
    """Read what a door has counted of a version; None: of none."""
    named = {"model_version": str(version)}
    requests = {(labels["route"], labels["status"]): 0.0 for labels, _ in page.series(metrics.HTTP_REQUESTS)}
    for labels, value in page.series(metrics.HTTP_REQUESTS):
        requests[labels["route"], labels["status"]] += value
    scoring = {key: value for key, value in requests.items() if _scores(key[0])}
    return Counts(
        predictions=page.total(metrics.PREDICTIONS, **named),
        failures=max(page.total(metrics.VERSION_FAILURES, **named), page.total(metrics.CANARY_FALLBACKS, **named)),
        requests=sum(scoring.values()),
        broken=sum(value for (_, status), value in scoring.items() if status >= "500" and status != FULL),
        refused=sum(value for (_, status), value in scoring.items() if status == REFUSED),
        scoring=page.histogram(metrics.VERSION_SCORING, **named),
        answering=_answering(page),
    )


def total(counts: list[Counts]) -> Counts:
    """Return what all doors have counted."""
    return reduce(add, counts, Counts())


def _answering(page: Page) -> dict[float, float]:
    """Single customers only: a batch takes as long as it is large."""
    found: dict[float, float] = {}
    for route in ("/predict", "/api/v1/predict"):
        found = _summed(found, page.histogram(metrics.HTTP_REQUEST_DURATION, route=route))
    return found


def _scores(route: str) -> bool:
    return any(word in route for word in ROUTES)


def _summed(mine: Histogram, theirs: Histogram) -> dict[float, float]:
    return {bound: mine.get(bound, 0.0) + theirs.get(bound, 0.0) for bound in sorted({*mine, *theirs})}


def _each(mine: Counts, theirs: Counts, work: Any) -> Counts:
    values: dict[str, Any] = {}
    for name in Counts.__dataclass_fields__:
        one, other = getattr(mine, name), getattr(theirs, name)
        if isinstance(one, Mapping):
            values[name] = {bound: work(one.get(bound, 0.0), other.get(bound, 0.0)) for bound in sorted({*one, *other})}
        else:
            values[name] = work(one, other)
    return Counts(**values)
