"""The scheduler: begins each stage at its times, once however many were missed, and ends with all it began."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from churn.errors import StoreError
from churn.stores.database import is_current, open_database
from churn.stores.stage_runs import StageRunLog
from pipelines.scheduling.children import Children
from pipelines.scheduling.timetable import Errand
from pipelines.settings import PipelineSettings

log = logging.getLogger(__name__)

LONG = "retrain"
"""It may take hours: the others do not wait for it, and it begins a little after them."""

JITTER = 0.02
"""Of the time between two runs: homes that were started together do not ask their database together for ever."""

LONGEST_JITTER, LONGEST_DELAY = 300.0, 60.0

LastRun = Callable[[str], datetime | None]


def run_schedule(errands: Sequence[Errand], children: Children, last_run: LastRun, stopping: threading.Event) -> None:
    """Run stages at their times until somebody asks to stop; then end those that run.

    A stage that is due by now, or was never run, begins at once; the others at their next time.

    Args:
        errands: what runs, and how often.
        children: where they run.
        last_run: when a stage last began; None: never.
        stopping: set by who wants it to end.
    """
    pools = {"default": ThreadPoolExecutor(1), LONG: ThreadPoolExecutor(1)}
    scheduler = BackgroundScheduler(executors=pools, timezone=UTC)
    for errand in errands:
        first = _first_time(errand, last_run(errand.stage))
        _add(scheduler, errand, children, first)
        log.info(
            "stage scheduled", extra={"stage": errand.stage, "every_seconds": errand.every, "first": f"{first:%c}"}
        )
    scheduler.start()
    stopping.wait()
    scheduler.pause()
    children.end()
    scheduler.shutdown(wait=True)


def _add(scheduler: BackgroundScheduler, errand: Errand, children: Children, first: datetime) -> None:
    scheduler.add_job(
        children.run,
        "interval",
        args=(errand,),
        seconds=errand.every,
        jitter=min(errand.every * JITTER, LONGEST_JITTER),
        next_run_time=first,
        id=errand.stage,
        executor=LONG if errand.stage == LONG else "default",
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )


def _first_time(errand: Errand, last: datetime | None) -> datetime:
    now = datetime.now(UTC)
    due = now if last is None else max(now, last + timedelta(seconds=errand.every))
    delay = min(errand.every / 4, LONGEST_DELAY) if errand.stage == LONG and due == now else 0.0
    return due + timedelta(seconds=delay)


def last_run_in(settings: PipelineSettings) -> LastRun:
    """Return how to look a stage's last run up; one that can't be found was never run."""

    def look(stage: str) -> datetime | None:
        try:
            engine = open_database(settings.database_url)
            runs = StageRunLog(engine).recent(settings.model, stage, 1) if is_current(engine) else []
        except StoreError as error:
            log.warning("last run not found", extra={"stage": stage, "reason": str(error)})
            return None
        return datetime.fromisoformat(runs[0].started_at) if runs else None

    return look
