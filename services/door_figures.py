"""What a door's own metrics say of versions: failures and time, which no record holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import httpx

from churn import metrics
from churn.metric_page import Page, read_page

SHARE = 0.95
PATIENCE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """One version at one door, since the door was opened.

    Attributes:
        predictions: customers whom it answered.
        failures: customers whom it failed on.
        fallbacks: of those, whom production answered.
        mean_milliseconds: of the runs that scored its customers one by one; None: there were none.
        p95_milliseconds: an upper bound, that of a bucket of the histogram; None: none, or beyond the last.
    """

    version: str
    predictions: int
    failures: int
    fallbacks: int
    mean_milliseconds: float | None
    p95_milliseconds: float | None


@dataclass(frozen=True, slots=True)
class DoorFigures:
    """What a door says, or why it says nothing."""

    door: str
    versions: tuple[VersionFigures, ...]
    problem: str = ""


def figures_of(door: str, text: str, versions: Iterable[int]) -> DoorFigures:
    """Read a door's metrics.

    Args:
        door: its name or address, for people.
        text: what its /metrics answers.
        versions: which are wanted.

    Raises:
        ValueError: it is no text of metrics.
    """
    page = read_page(text)
    return DoorFigures(door, tuple(_figures(page, str(version)) for version in versions))


def ask_doors(urls: Iterable[str], versions: Sequence[int]) -> list[DoorFigures]:
    """Ask doors for their metrics; one that does not answer is told as such."""
    return [_ask(url, versions) for url in urls]


def _ask(url: str, versions: Sequence[int]) -> DoorFigures:
    try:
        answer = httpx.get(f"{url}/metrics", timeout=PATIENCE_SECONDS)
        return figures_of(url, answer.raise_for_status().text, versions)
    except (httpx.HTTPError, ValueError) as error:
        return DoorFigures(url, (), f"does not tell its metrics: {type(error).__name__}")


def _figures(page: Page, version: str) -> VersionFigures:
    runs, seconds = page.observed(metrics.VERSION_SCORING, model_version=version)
    return VersionFigures(
        version=version,
        predictions=int(page.total(metrics.PREDICTIONS, model_version=version)),
        failures=int(page.total(metrics.VERSION_FAILURES, model_version=version)),
        fallbacks=int(page.total(metrics.CANARY_FALLBACKS, model_version=version)),
        mean_milliseconds=1000 * seconds / runs if runs else None,
        p95_milliseconds=_p95(page.histogram(metrics.VERSION_SCORING, model_version=version), runs),
    )


def _p95(counts: Mapping[float, float], runs: float) -> float | None:
    reached = min((bound for bound, count in counts.items() if runs and count >= SHARE * runs), default=inf)
    return 1000 * reached if reached < inf else None
