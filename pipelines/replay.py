"""Replay: compute recorded predictions again, each with the version that made it, and compare every bit.

Reads:  recorded predictions, the log of registrations, the versions' bundles.
Writes: nothing.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from churn.errors import BundleError, NotFoundError
from churn.scoring.prediction import Prediction
from churn.scoring.replaying import INPUTS, LAST_BITS, PROBABILITY, Difference, replayed
from churn.scoring.scorer import Scorer
from churn.stores.database import open_migrated
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import PromotionLog
from churn.stores.registry import ModelRegistry
from pipelines.registered import load_registered
from pipelines.settings import PipelineSettings
from pipelines.tracking import Say, silent

PAGE_ROWS = 2_000
MOST_NAMED = 10
"""Predictions of a version that a report names; their number is in it whatever it is."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which predictions: all that were recorded from `since` to before `until`, of one version or of all.

    Attributes:
        limit: at most so many, of the newest version the newest first; None: all.
    """

    since: datetime | None = None
    until: datetime | None = None
    version: int | None = None
    limit: int | None = None


@dataclass(slots=True)
class VersionReplay:
    """What came of one version's predictions.

    Attributes:
        digest: of the bundle that computed them; empty when it is gone.
        asked: predictions that were to be replayed.
        identical: in every field and every bit.
        last_bits: whose probability is at most 1e-6 off: another kind of processor rounds so.
        changed: whose probability is further off: another input, another model, or an edited record.
        other_fields: whose probability is identical, and another field is not.
        unreadable: whose inputs are not what the version's contract takes.
        largest: the largest difference of a probability.
        first: the first differences.
        gone: why nothing could be computed; empty when it could.
    """

    version: int
    digest: str = ""
    asked: int = 0
    identical: int = 0
    last_bits: int = 0
    changed: int = 0
    other_fields: int = 0
    unreadable: int = 0
    largest: float = 0.0
    first: list[Difference] = field(default_factory=list)
    gone: str = ""

    @property
    def different(self) -> int:
        """Predictions that did not come out as they were recorded."""
        return self.last_bits + self.changed + self.other_fields + self.unreadable

    def count(self, predictions: Sequence[Prediction], differences: Sequence[Difference]) -> None:
        """Take in a page."""
        by_prediction: dict[str, list[Difference]] = {}
        for each in differences:
            by_prediction.setdefault(each.prediction_id, []).append(each)
        self.asked += len(predictions)
        self.identical += len(predictions) - len(by_prediction)
        for found in by_prediction.values():
            self._count_one(found)

    def _count_one(self, found: Sequence[Difference]) -> None:
        fields, apart = {each.field for each in found}, max(each.apart for each in found)
        self.largest = max(self.largest, apart)
        if INPUTS in fields:
            self.unreadable += 1
        elif PROBABILITY not in fields:
            self.other_fields += 1
        elif apart <= LAST_BITS:
            self.last_bits += 1
        else:  # not a number is no last bit
            self.changed += 1
        if self.different <= MOST_NAMED:
            self.first += found


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of all, version by version, newest first."""

    model: str
    versions: tuple[VersionReplay, ...]
    seconds: float

    @property
    def identical(self) -> int:
        """Predictions that came out in every bit as they were recorded."""
        return sum(each.identical for each in self.versions)

    @property
    def different(self) -> int:
        """Predictions that did not."""
        return sum(each.different for each in self.versions)

    @property
    def gone(self) -> int:
        """Predictions whose version is no more, or is not what was registered."""
        return sum(each.asked for each in self.versions if each.gone)


def replay_one(prediction_id: str, *, settings: PipelineSettings) -> tuple[Prediction, Replay]:
    """Replay one prediction, and return it with what came of it.

    Raises:
        NotFoundError: it is not on record.
        StoreError: the database or the registry does not answer.
    """
    began, engine = time.monotonic(), open_migrated(settings.database_url)
    found = PredictionStore(engine).with_ids([prediction_id])
    if not found:
        raise NotFoundError(
            f"no prediction {prediction_id} is on record: one that was just made is there after about a second"
        )
    (prediction,) = found
    versions = _Versions(prediction.model_name, engine, settings)
    seen = _replay_pages(versions, prediction.model_version, [found])
    return prediction, Replay(prediction.model_name, (seen,), time.monotonic() - began)


def replay(question: Question, *, settings: PipelineSettings, say: Say = silent) -> Replay:
    """Replay many predictions, a version at a time and a page at a time: memory stays that of a page.

    Args:
        question: which.
        settings: where the database and the registry are.
        say: told of the progress.

    Raises:
        StoreError: the database or the registry does not answer.
    """
    began, engine = time.monotonic(), open_migrated(settings.database_url)
    versions = _Versions(settings.model, engine, settings)
    seen, left = [], question.limit
    for version, rows in _asked(engine, settings.model, question).items():
        if left == 0:
            break
        wanted = rows if left is None else min(rows, left)
        pages = _told(_pages(engine, settings.model, (version, wanted), question), (version, wanted), say)
        seen.append(_replay_pages(versions, version, pages))
        left = None if left is None else left - seen[-1].asked
    return Replay(settings.model, tuple(seen), time.monotonic() - began)


class _Versions:
    """Opens versions: only what was registered, and only as it was registered."""

    def __init__(self, model: str, engine: Engine, settings: PipelineSettings) -> None:
        self._model, self._settings = model, settings
        self._log, self._registry = PromotionLog(engine), ModelRegistry(settings.tracking_uri)

    def open(self, version: int) -> Scorer:
        """Fetch a version's bundle and load it.

        Raises:
            NotFoundError: there is no such version any more.
            BundleError: it is not what was registered.
        """
        bundle = self._registry.version(self._model, version)
        self._log.require_registered(self._model, version, bundle.digest)
        return load_registered(bundle, self._registry, self._settings)


def _replay_pages(
    versions: _Versions, version: int, pages: Iterator[list[Prediction]] | list[list[Prediction]]
) -> VersionReplay:
    seen = VersionReplay(version)
    try:
        scorer = versions.open(version)
    except (NotFoundError, BundleError) as error:
        seen.gone, seen.asked = str(error), sum(map(len, pages))
        return seen
    seen.digest = scorer.digest
    for page in pages:
        seen.count(page, replayed(scorer, page))
    return seen


def _asked(engine: Engine, model: str, question: Question) -> dict[int, int]:
    """Return how many predictions of each version there are, newest version first."""
    found = PredictionStore(engine).versions(model, since=question.since, until=question.until)
    return {version: rows for version, rows in found.items() if question.version in (None, version)}


def _pages(engine: Engine, model: str, wanted: tuple[int, int], question: Question) -> Iterator[list[Prediction]]:
    version, left = wanted
    pages = PredictionStore(engine).pages(model, version, since=question.since, until=question.until, rows=PAGE_ROWS)
    for page in pages:
        yield page[:left]
        left -= len(page)
        if left <= 0:
            return


def _told(pages: Iterator[list[Prediction]], wanted: tuple[int, int], say: Say) -> Iterator[list[Prediction]]:
    (version, rows), done = wanted, 0
    for page in pages:
        yield page
        done += len(page)
        say(f"version {version}: {done:,} of {rows:,} predictions")
