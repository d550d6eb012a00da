"""The stages `canary-1`, `canary-2`, …: the version answers a share of the customers, and is looked after."""

from datetime import datetime

from churn.errors import StoreError
from pipelines.canary import set_canary
from pipelines.registered import load_registered
from pipelines.releasing.course import Course, End
from pipelines.releasing.live import against, read_live
from pipelines.releasing.plan import CanaryStage
from pipelines.watching.diary import Diary, Look
from pipelines.watching.doors import watchtower
from pipelines.watching.looking import Scene
from pipelines.watching.recorded import Records

LOOKS_PER_CHECK = 3
"""The stores are asked less often than the doors."""


def canary(course: Course) -> End | None:
    """Let the version answer its share until the plan has seen enough; None: nothing speaks against it."""
    plan = course.plan.canary_of(course.release.stage)
    diary = Diary(course.version, course.production, is_beside=True)
    with watchtower(course.settings.door_urls) as tower:
        diary.begin(tower.look())
        reason = f"release {course.release.id}: {plan.share:.0%}"
        set_canary(course.version, plan.share, course.ordered(reason), settings=course.settings)
        bounds = course.plan.watch.model_copy(update={"seconds": plan.at_most_seconds})
        scene = Scene(tower, diary, _records(course), bounds, course.say)
        return _looked_after(course, plan, scene)


def _looked_after(course: Course, plan: CanaryStage, scene: Scene) -> End | None:
    stage = course.release.stage
    for number, (look, reasons) in enumerate(scene.looks()):
        said = [*reasons, *(_promises(course, scene) if number % LOOKS_PER_CHECK == 0 else ())]
        if said:
            return End("stopped", f"{stage}: {'; '.join(said)}")
        if number % LOOKS_PER_CHECK == 0 and (end := course.interruption()):
            return end
        if _is_enough(look, plan):
            course.say(f"{stage}: {scene.words(look)}; nothing speaks against it")
            return None
    seen = scene.diary.now.predictions
    return End(
        "stopped", f"{stage}: {seen:,.0f} customers in {plan.at_most_seconds:.0f} s; {plan.predictions:,} needed"
    )


def _is_enough(look: Look, plan: CanaryStage) -> bool:
    return bool(look.serving) and look.at >= plan.seconds and look.counts.predictions >= plan.predictions


def _promises(course: Course, scene: Scene) -> list[str]:
    try:
        return list(filter(None, against(course, read_live(course), looks=scene.parameters.looks)))
    except StoreError:
        return []


def _records(course: Course) -> Records:
    registry = course.registry
    scorer = load_registered(registry.version(course.settings.model, course.version), registry, course.settings)
    return Records(course.engine, scorer, datetime.fromisoformat(course.release.stage_started_at))
