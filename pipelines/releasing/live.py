"""Live predictions of both versions since a stage began, and what they say against the new one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from churn.scoring.prediction import Prediction
from churn.stores.predictions import HEARD, PredictionStore
from pipelines.releasing.course import Course
from pipelines.releasing.promises import LEAST, collapse, shift

ROWS = 2_000
"""The newest of each version: enough for every bound, and read in some milliseconds."""


@dataclass(frozen=True, slots=True)
class Live:
    """The newest predictions of the version, and of the one in production."""

    mine: list[Prediction]
    theirs: list[Prediction]


def read_live(course: Course, roles: Sequence[str] = HEARD) -> Live:
    """Read what was recorded since the stage began.

    Args:
        course: the release.
        roles: of the version's predictions.
    """
    store, since = PredictionStore(course.engine), datetime.fromisoformat(course.release.stage_started_at)
    model = course.settings.model
    mine = store.window(model, model_version=course.version, since=since, roles=roles, limit=ROWS)
    theirs = store.window(model, model_version=course.production, since=since, limit=ROWS)
    if len(theirs) < LEAST:  # a canary that answers nearly everybody
        theirs = store.window(model, model_version=course.production, limit=ROWS)
    return Live(mine, theirs)


def against(course: Course, live: Live, *, looks: int) -> Iterator[str]:
    """Yield what the promises of both say against the version, each for sure however often is looked."""
    plan, chance = course.plan, course.plan.watch.false_alarms / (2 * max(1, looks))
    yield collapse(live.mine, live.theirs, ratio=plan.min_profit_ratio, chance=chance)
    yield shift(live.mine, live.theirs, most=plan.max_shift, chance=chance)
