"""Release: take a version through shadow, canary, gate and promotion, each watched; at any sign of trouble, back.

Reads:  the plan, the doors' metrics, live predictions of both versions, the registry.
Writes: the aliases shadow, canary and production; where the release is, and how it ended.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from sqlalchemy import Engine

from churn.errors import ChurnError, ConflictError, NotFoundError, UsageError
from churn.stores.database import open_migrated
from churn.stores.leases import Lease, kept_lease
from churn.stores.registry import CANARY, SHADOW, ModelRegistry
from churn.stores.releases import NewRelease, Release, ReleaseStore, conflict_with
from churn.stores.stage_runs import StageRunLog, noted
from pipelines.moves import Order, take_alias
from pipelines.releasing.canary import canary
from pipelines.releasing.course import Course, End
from pipelines.releasing.plan import PROMOTE, WATCH, ReleasePlan, read_plan
from pipelines.releasing.promotion import promote, watch
from pipelines.releasing.shadow import shadow
from pipelines.settings import PipelineSettings
from pipelines.tracking import Say, silent

log = logging.getLogger(__name__)

STAGE = "release"
LEASE_SECONDS = 30.0
"""So long after its process was killed a release can be taken up, or stopped."""

STOP_SECONDS = 120.0
"""So long a stage may need to hear that it is to end; the gate takes longest."""

STAGES: Mapping[str, Callable[[Course], End | None]] = {
    SHADOW: shadow, CANARY: canary, PROMOTE: promote, WATCH: watch,
}  # fmt: skip
"""What is done at each; None: go on."""


def start(
    version: int, order: Order, plan: Path | None = None, *, settings: PipelineSettings, say: Say = silent
) -> Release:
    """Release a version, or take its release up again at the stage where its process was killed.

    Args:
        version: which.
        order: who wants it, and why; with an override the gate's no does not count.
        plan: a file like parameters/release.yaml; a release that is taken up keeps its own.
        settings: where doors and stores are.
        say: is told how it goes.

    Raises:
        ConflictError: another release is under way.
        UsageError: the version is in production, or nothing is; or the plan does not hold.
        NotFoundError: there is no such version.
    """
    engine = open_migrated(settings.database_url)
    with _lease(engine, order, settings):
        course = _course(version, order, plan, settings=settings, engine=engine, say=say)
        with noted(StageRunLog(engine), settings.model, STAGE) as account:
            end = _go(course)
            account.words = f"version {version} {end.status}: {end.words}"
    log.info("release ended", extra={"version": version, "status": end.status, "reason": end.words})
    return ReleaseStore(engine).get(course.release.id)


def stop(order: Order, *, settings: PipelineSettings) -> Release:
    """End the release that is under way: its aliases are taken back; what is in production stays.

    Raises:
        NotFoundError: none is under way.
        ConflictError: its process does not hear, and lives.
    """
    engine = open_migrated(settings.database_url)
    store = ReleaseStore(engine)
    found = store.open_one(settings.model)
    if found is None:
        raise NotFoundError("no release is under way: `churn release status` shows how the last ones ended")
    store.ask_to_stop(found.id)
    until = time.monotonic() + STOP_SECONDS
    while store.get(found.id).is_open:
        try:
            with _lease(engine, order, settings):
                _stop_here(found, order, settings, store)
        except ConflictError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
    return store.get(found.id)


def releases(*, settings: PipelineSettings, limit: int = 10) -> list[Release]:
    """Return the newest releases, newest first."""
    return ReleaseStore(open_migrated(settings.database_url)).history(settings.model, limit)


def _lease(engine: Engine, order: Order, settings: PipelineSettings) -> AbstractContextManager[Lease]:
    return kept_lease(engine, f"release:{settings.model}", owner=order.actor, seconds=LEASE_SECONDS)


def _course(
    version: int, order: Order, plan: Path | None, *, settings: PipelineSettings, engine: Engine, say: Say
) -> Course:
    store = ReleaseStore(engine)
    production = ModelRegistry(settings.tracking_uri).production(settings.model)
    under_way = store.open_one(settings.model)
    if production is None:
        raise UsageError(
            "nothing is in production, so there is nothing to be careful with: `churn promote` comes first"
        )
    if under_way is not None and under_way.version != version:
        raise conflict_with(under_way)
    if under_way is None:
        under_way = _begun(version, order, plan, production=production.version, settings=settings, store=store)
    else:
        say(f"the release of version {version} is taken up at {under_way.stage}")
    found = ReleasePlan.model_validate_json(under_way.plan)
    return Course(under_way, found, order, production.version, settings, engine, say)


def _begun(
    version: int, order: Order, plan: Path | None, *, production: int, settings: PipelineSettings, store: ReleaseStore
) -> Release:
    if production == version:
        raise UsageError(f"version {version} is in production already; `churn status` lists the others")
    ModelRegistry(settings.tracking_uri).version(settings.model, version)
    found = read_plan(plan)
    new = NewRelease(settings.model, version, found.stages[0], found.model_dump_json(), order.actor, order.reason)
    return store.begin(new)


def _go(course: Course) -> End:
    """Go from stage to stage; however it ends, the aliases of the way are taken back and the end is noted."""
    try:
        end = _through(course)
    except KeyboardInterrupt:
        end = End("stopped", f"interrupted at {course.release.stage}{_where_it_is(course)}")
    except ChurnError as error:
        end = End("stopped", f"{course.release.stage} failed: {error}{_where_it_is(course)}")
    end = _withdrawn(course.release, end, course.order, course.settings)
    ReleaseStore(course.engine).end(course.release.id, end.status, end.words)
    return end


def _through(course: Course) -> End:
    stages = course.plan.stages
    for stage in stages[stages.index(course.release.stage) :]:
        course.enter(stage)
        if end := STAGES[stage.partition("-")[0]](course):
            return end
    return End("done", f"version {course.version} is in production and holds")


def _where_it_is(course: Course) -> str:
    return "; it is in production, unwatched: `churn watch` goes on" if course.release.stage == WATCH else ""


def _withdrawn(release: Release, end: End, order: Order, settings: PipelineSettings) -> End:
    """Take back shadow and canary; where that fails it is said, for `churn canary clear` is then due by hand."""
    left = list(_not_taken_back(release, f"release {release.id} {end.status}", order, settings))
    return End(end.status, "; ".join([end.words, *left])) if left else end


def _not_taken_back(release: Release, why: str, order: Order, settings: PipelineSettings) -> Iterator[str]:
    for alias in (SHADOW, CANARY):
        try:
            now = ModelRegistry(settings.tracking_uri).aliased(settings.model, alias)
            if now is not None and now.version == release.version:
                with suppress(NotFoundError):
                    take_alias(alias, Order(order.actor, why, expected=release.version), settings=settings)
        except ChurnError as error:
            yield f"its alias {alias} could not be taken back: {error}"


def _stop_here(release: Release, order: Order, settings: PipelineSettings, store: ReleaseStore) -> None:
    """Its process is dead: end it in its place."""
    end = End("stopped", f"stopped at {release.stage} by {order.actor}: {order.reason}")
    end = _withdrawn(release, end, order, settings)
    store.end(release.id, end.status, end.words)
