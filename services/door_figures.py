"""What a door's own metrics say of versions: failures and time, which no record holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import httpx
from prometheus_client import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from churn import metrics

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
    found = {family.name.removesuffix("_total"): family for family in text_string_to_metric_families(text)}
    return DoorFigures(door, tuple(_figures(found, str(version)) for version in versions))


def ask_doors(urls: Iterable[str], versions: Sequence[int]) -> list[DoorFigures]:
    """Ask doors for their metrics; one that does not answer is told as such."""
    return [_ask(url, versions) for url in urls]


def _ask(url: str, versions: Sequence[int]) -> DoorFigures:
    try:
        answer = httpx.get(f"{url}/metrics", timeout=PATIENCE_SECONDS)
        return figures_of(url, answer.raise_for_status().text, versions)
    except (httpx.HTTPError, ValueError) as error:
        return DoorFigures(url, (), f"does not tell its metrics: {type(error).__name__}")


def _figures(found: Mapping[str, Family], version: str) -> VersionFigures:
    scoring = metrics.VERSION_SCORING.name
    runs = _sum(found, scoring, version, f"{scoring}_count")
    return VersionFigures(
        version=version,
        predictions=int(_sum(found, metrics.PREDICTIONS.name, version)),
        failures=int(_sum(found, metrics.VERSION_FAILURES.name, version)),
        fallbacks=int(_sum(found, metrics.CANARY_FALLBACKS.name, version)),
        mean_milliseconds=1000 * _sum(found, scoring, version, f"{scoring}_sum") / runs if runs else None,
        p95_milliseconds=_p95(found, version, runs),
    )


def _sum(found: Mapping[str, Family], name: str, version: str, sample: str = "") -> float:
    """Add up a family's samples of a version; of a counter those of its total."""
    wanted = sample or f"{name}_total"
    samples = found[name].samples if name in found else []
    return sum(each.value for each in samples if each.name == wanted and each.labels.get("model_version") == version)


def _p95(found: Mapping[str, Family], version: str, runs: float) -> float | None:
    name = metrics.VERSION_SCORING.name
    by_bound: dict[float, float] = {}
    for each in found[name].samples if name in found else []:
        if each.name == f"{name}_bucket" and each.labels.get("model_version") == version:
            bound = float(each.labels["le"])
            by_bound[bound] = by_bound.get(bound, 0.0) + each.value
    reached = [bound for bound, count in by_bound.items() if runs and count >= SHARE * runs]
    return 1000 * min(reached) if reached and min(reached) != float("inf") else None
