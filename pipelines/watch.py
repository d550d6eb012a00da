"""Watch: look after a version that was just promoted, and move the alias back when it goes wrong.

Reads:  the doors' metrics, the version's recorded predictions and its bundle, the audit of moves.
Writes: the alias, by a rollback, when something speaks against the version; the run of the stage.
"""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from churn.errors import NotFoundError, StoreError
from churn.stores.database import open_database, open_migrated
from churn.stores.promotions import Promotion, PromotionLog
from churn.stores.registry import ModelRegistry
from churn.stores.stage_runs import StageRunLog, noted
from pipelines.moves import Order
from pipelines.promote import rollback
from pipelines.registered import load_registered
from pipelines.settings import PipelineSettings
from pipelines.tracking import Say, silent
from pipelines.watching.diary import Diary
from pipelines.watching.doors import Pages, watchtower
from pipelines.watching.looking import Scene
from pipelines.watching.parameters import WatchParameters
from pipelines.watching.recorded import Records

log = logging.getLogger(__name__)

STAGE = "watch"
BUSY_SECONDS = 60.0
"""So long a rollback waits for somebody else's move to end, or for a store to come back."""

LOOKS_PER_CHECK = 5
"""How often it is made sure that the version is still in production: the registry is slower than the doors."""

Ending = Literal["good", "rolled_back", "stranded", "unseen", "superseded"]
"""`stranded`: it is bad, and nothing was in production before; `superseded`: somebody moved on meanwhile."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of a watch.

    Attributes:
        before: version that is in production again, or would be.
        reasons: everything that spoke against the version.
        seconds: how long it was watched.
        back_after_seconds: from the move of the alias to the rollback's end; None: no rollback, or nobody knows.
        predictions: of the version, counted at the doors.
        failures: customers whom it was to score and could not.
        replayed: recorded predictions that were computed again.
    """

    model: str
    version: int
    before: int | None
    ending: Ending
    reasons: tuple[str, ...]
    seconds: float
    back_after_seconds: float | None
    predictions: int
    failures: int
    replayed: int

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        seen = f"{self.predictions:,} predictions and {self.failures:,} failures in {self.seconds:.0f} s"
        said = {
            "good": f"version {self.version} holds: {seen}",
            "rolled_back": f"version {self.version} was rolled back to version {self.before}",
            "stranded": f"version {self.version} is bad, and nothing was in production before it",
            "unseen": f"version {self.version} was not seen at work: no pass",
            "superseded": f"version {self.version} is not in production any more: somebody moved on",
        }[self.ending]
        after = f", {self.back_after_seconds:.1f} s after it was promoted" if self.back_after_seconds else ""
        return f"{said}{after}{': ' if self.reasons else ''}{'; '.join(self.reasons)}"


@dataclass(frozen=True, slots=True)
class _Subject:
    """The version, which one it took the place of, and when; None where nobody noted it."""

    version: int
    before: int | None
    moved_at: datetime | None


def watch(
    version: int | None,
    order: Order,
    parameters: WatchParameters,
    *,
    settings: PipelineSettings,
    earlier: Pages | None = None,
    say: Say = silent,
) -> Watched:
    """Watch a version, production's when None, for some time; roll back at the first sure sign that it is bad.

    Args:
        version: which.
        order: who wants it; the reasons are added to the rollback's.
        parameters: the bounds.
        settings: where doors and stores are.
        earlier: the doors' pages from before the promotion; None: the first look is the beginning.
        say: is told how it stands.

    Raises:
        NotFoundError: nothing is in production.
        StoreError: a rollback is due, and somebody else's move did not end, or a store did not come back.
    """
    subject = _subject(version, settings)
    with noted(StageRunLog.at(settings.database_url), settings.model, STAGE) as account:
        found = _watched(subject, order, parameters, settings=settings, earlier=earlier or {}, say=say)
        account.words = found.words
    log.info("promotion watched", extra={"version": found.version, "ending": found.ending, "reasons": found.reasons})
    return found


def _watched(
    subject: _Subject,
    order: Order,
    parameters: WatchParameters,
    *,
    settings: PipelineSettings,
    earlier: Pages,
    say: Say,
) -> Watched:
    diary = Diary(subject.version, subject.before)
    with watchtower(settings.door_urls) as tower:
        diary.begin(earlier or tower.look())
        scene = Scene(tower, diary, _records(subject, settings), parameters, say)
        ending, reasons = _look_on(scene, subject, settings)
    if ending == "rolled_back":
        say(f"version {subject.version} goes back: {'; '.join(reasons)}")
        ending = _roll_back(subject, reasons, order, settings)
    return Watched(
        model=settings.model,
        version=subject.version,
        before=subject.before,
        ending=ending,
        reasons=reasons,
        seconds=diary.looks[-1].at,
        back_after_seconds=_seconds_since(subject.moved_at) if ending == "rolled_back" else None,
        predictions=round(diary.now.predictions),
        failures=round(diary.now.failures),
        replayed=scene.records.replayed,
    )


def _look_on(scene: Scene, subject: _Subject, settings: PipelineSettings) -> tuple[Ending, tuple[str, ...]]:
    """Return how it ends: `rolled_back` is what is to be done."""
    for number, (_, against) in enumerate(scene.looks(), start=1):
        if against:
            return "rolled_back", against
        if number % LOOKS_PER_CHECK == 0 and not _is_in_production(subject, settings):
            return "superseded", ()
    return _at_the_end(scene)


def _at_the_end(scene: Scene) -> tuple[Ending, tuple[str, ...]]:
    """Time is up, and nothing spoke against it: was enough seen to say that it is good?"""
    looks, least = scene.diary.looks, scene.parameters.min_predictions
    if not any(look.serving for look in looks):
        answered = any(look.answering for look in looks)
        return "unseen", ("no door served it" if answered else f"no door answered: {', '.join(scene.tower.urls)}",)
    if (seen := scene.diary.now.predictions) < least:
        return "unseen", (f"{seen:,.0f} predictions came, and fewer than {least} say nothing",)
    return "good", ()


def _roll_back(subject: _Subject, reasons: tuple[str, ...], order: Order, settings: PipelineSettings) -> Ending:
    """Move the alias back, after whoever moves it now and stores that are away; nothing when they moved it on."""
    ordered = Order(order.actor, f"watch: {'; '.join(reasons)}", expected=subject.version)
    until = time.monotonic() + BUSY_SECONDS
    while _is_in_production(subject, settings):
        try:
            rollback(ordered, settings=settings)
        except NotFoundError:
            return "stranded"
        except StoreError:
            if time.monotonic() > until:
                raise
            time.sleep(1)
        else:
            return "rolled_back"
    return "superseded"


def _subject(version: int | None, settings: PipelineSettings) -> _Subject:
    """Find out what is watched.

    Raises:
        NotFoundError: nothing is in production, or another version is.
    """
    production = ModelRegistry(settings.tracking_uri).production(settings.model)
    if production is None or version not in {None, production.version}:
        there = f"version {production.version} is" if production else "nothing is"
        raise NotFoundError(f"{there} in production: `churn promote --version N` comes before `churn watch`")
    move = _move_to(production.version, settings)
    at = datetime.fromisoformat(move.at) if move else None
    return _Subject(production.version, move.from_version if move else None, at)


def _move_to(version: int, settings: PipelineSettings) -> Promotion | None:
    """Return the move that put the version there, as far as the audit knows."""
    newest = PromotionLog(open_migrated(settings.database_url)).last_done(settings.model)
    return newest if newest and newest.to_version == version else None


def _records(subject: _Subject, settings: PipelineSettings) -> Records:
    registry = ModelRegistry(settings.tracking_uri)
    scorer = load_registered(registry.version(settings.model, subject.version), registry, settings)
    return Records(open_database(settings.database_url), scorer, subject.moved_at or datetime.now(UTC))


def _is_in_production(subject: _Subject, settings: PipelineSettings) -> bool:
    try:
        production = ModelRegistry(settings.tracking_uri).production(settings.model)
    except StoreError:
        return True  # as far as anybody knows
    return production is not None and production.version == subject.version


def _seconds_since(moment: datetime | None) -> float | None:
    return None if moment is None else (datetime.now(UTC) - moment).total_seconds()
