"""The stage `shadow`: the version is scored beside production, and nobody is answered by it."""

import time
from collections.abc import Iterator
from datetime import datetime

from churn import metrics
from churn.errors import StoreError
from churn.stores.predictions import PredictionStore
from churn.stores.registry import SHADOW
from churn.stores.shadows import ShadowStore
from pipelines.releasing.course import Course, End
from pipelines.releasing.live import ROWS, against, read_live
from pipelines.releasing.plan import ShadowStage
from pipelines.shadow import clear_shadow, set_shadow
from pipelines.watching.doors import Watchtower, watchtower
from pipelines.watching.evidence import is_beyond

EVERY_SECONDS = 1.0
ROLES = (SHADOW,)
TOLD_EVERY_SECONDS = 10.0


def shadow(course: Course) -> End | None:
    """Let the version be scored until the plan has seen enough; None: nothing speaks against it."""
    plan = course.plan.shadow
    assert plan is not None  # noqa: S101  the plan's own list of stages names it
    _cast(course)
    with watchtower(course.settings.door_urls) as tower:
        for elapsed in _ticks(plan):
            if end := course.interruption():
                return end
            seen = _scored(course)
            if reasons := list(filter(None, _objections(course, plan, tower))):
                return End("stopped", f"shadow: {'; '.join(reasons)}")
            if elapsed >= plan.seconds and seen >= plan.predictions:
                course.say(f"shadow: {seen:,} customers scored in {elapsed:.0f} s, nothing speaks against it")
                clear_shadow(course.ordered(f"release {course.release.id}: seen enough"), settings=course.settings)
                return None
    return End(
        "stopped", f"shadow: {_scored(course):,} customers in {plan.at_most_seconds:.0f} s; {plan.predictions:,} needed"
    )


def _cast(course: Course) -> None:
    """Give the alias, unless the version has it: this release was taken up where it was."""
    now = course.registry.aliased(course.settings.model, SHADOW)
    if now is None or now.version != course.version:
        set_shadow(course.version, course.ordered(f"release {course.release.id}"), settings=course.settings)


def _ticks(plan: ShadowStage) -> Iterator[float]:
    """Yield the seconds since the stage began, about once a second."""
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < plan.at_most_seconds:
        yield elapsed
        time.sleep(EVERY_SECONDS)


def _scored(course: Course) -> int:
    since = datetime.fromisoformat(course.release.stage_started_at)
    try:
        return PredictionStore(course.engine).count(
            course.settings.model, model_version=course.version, since=since, roles=ROLES
        )
    except StoreError:
        return 0  # away for a moment


def _objections(course: Course, plan: ShadowStage, tower: Watchtower) -> Iterator[str]:
    looks = round(plan.at_most_seconds / EVERY_SECONDS)
    chance = course.plan.watch.false_alarms / looks
    yield _failures(course, plan, tower, chance)
    try:
        yield _disagreement(course, plan, chance)
        yield from against(course, read_live(course, ROLES), looks=looks)
    except StoreError:
        return


def _failures(course: Course, plan: ShadowStage, tower: Watchtower, chance: float) -> str:
    """The doors of one home show the same attendant's counts: the largest, not the sum."""
    pages = [page for page in tower.look().values() if page is not None]
    named = {"version": str(course.version)}
    failed = max((page.total(metrics.SHADOW_FAILURES, **named) for page in pages), default=0.0)
    asked = failed + max((page.total(metrics.SHADOW_PREDICTIONS, **named) for page in pages), default=0.0)
    if not is_beyond(failed, asked, plan.max_failed_share, chance=chance):
        return ""
    return f"{failed:,.0f} of {asked:,.0f} customers could not be scored, more than {plan.max_failed_share:.0%}"


def _disagreement(course: Course, plan: ShadowStage, chance: float) -> str:
    since = datetime.fromisoformat(course.release.stage_started_at)
    pairs = ShadowStore(course.engine).pairs(course.settings.model, course.version, since=since, limit=ROWS)
    apart = sum(pair.production.churn_prediction != pair.shadow.churn_prediction for pair in pairs)
    if not is_beyond(apart, len(pairs), 1 - plan.min_agreement, chance=chance):
        return ""
    return f"it decides otherwise than production for {apart:,} of {len(pairs):,} customers"
