"""The stages `promote` and `watch`: the gate judges, production moves, and the move is watched."""

from churn.evaluation.gate import Gate
from pipelines.canary import end_canary_of
from pipelines.moves import Order
from pipelines.parameters import read_parameters
from pipelines.promote import Promoted
from pipelines.promote import promote as move
from pipelines.releasing.course import Course, End
from pipelines.watch import Watched
from pipelines.watch import watch as look_after
from pipelines.watching.doors import watchtower


def promote(course: Course) -> End | None:
    """Move production when the gate agrees; None: it has moved, now or before this release was taken up."""
    if course.production == course.version:
        return None
    if end := course.interruption():
        return end
    with watchtower(course.settings.door_urls) as tower:
        course.earlier = tower.look()
    order = course.ordered(course.order.reason, expected=course.production)
    found = move(course.version, order, read_parameters("gate", Gate), settings=course.settings)
    if found.has_moved:
        course.say(f"version {found.version} is in production, after version {found.before}")
        return None
    return _refused(found)


def _refused(found: Promoted) -> End:
    said = "; ".join(found.verdict.reasons)
    if found.verdict.decision == "hold":
        return End("held", f"the gate holds it: {said}")
    return End("rejected", f"the gate rejects it: {said}")


def watch(course: Course) -> End | None:
    """Watch the version in production; None: it holds. It is no canary any more, also after a rollback."""
    order = Order(course.order.actor, course.order.reason)
    end_canary_of(course.version, order, settings=course.settings)
    found = look_after(
        course.version, order, course.plan.watch, settings=course.settings, earlier=course.earlier, say=course.say
    )
    return _end_of(found)


def _end_of(found: Watched) -> End | None:
    match found.ending:
        case "good":
            return None
        case "unseen":
            return End("unseen", found.words)
        case "superseded":
            return End("stopped", found.words)
        case _:
            return End("rolled_back", found.words)
