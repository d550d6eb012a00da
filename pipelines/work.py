"""Work: do the queued jobs of this home, one after the other.

Reads:  the queue of jobs; what each kind reads.
Writes: how each job gets on and ends; what each kind writes; removes the files of jobs that ended long ago.
"""

import logging
import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from churn.errors import ChurnError, ConflictError, NotFoundError, RefusedError, StoreError
from churn.scoring.prediction import utc_text
from churn.stores.database import open_migrated
from churn.stores.job_files import JobFiles, home_id
from churn.stores.jobs import JobStore
from churn.stores.orders import Claimant, Job, Kind
from pipelines.jobs.heart import Heart
from pipelines.jobs.kinds import KINDS
from pipelines.jobs.stopping import Stopped, Stopping
from pipelines.jobs.task import Ending, Task
from pipelines.settings import PipelineSettings

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
PATIENCE_SECONDS = (1, 2, 4, 8, 16, 30)
SWEEP_SECONDS = 3600.0

Do = Callable[[Task], Ending]


class Runner:
    """Does jobs in this process. Any number may run, here and on other machines: each job is one runner's."""

    def __init__(
        self, settings: PipelineSettings, stopping: Stopping | None = None, *, kinds: dict[Kind, Do] | None = None
    ) -> None:
        engine = open_migrated(settings.database_url)
        self._settings = settings
        self._stopping = stopping or Stopping()
        self._kinds = kinds or KINDS
        self._store = JobStore(engine, lease_seconds=settings.job_lease_seconds)
        name = f"{socket.gethostname()}-{os.getpid()}"
        self._who = Claimant(name, settings.model, home_id(settings.home))

    def run(self, *, until_empty: bool = False) -> None:
        """Do job after job until somebody asks to stop, or nothing is left."""
        swept_at = -SWEEP_SECONDS
        while not self._stopping.is_asked.is_set():
            if time.monotonic() - swept_at > SWEEP_SECONDS:
                self.sweep()
                swept_at = time.monotonic()
            if not self.run_one():
                if until_empty:
                    return
                self._stopping.is_asked.wait(PAUSE_SECONDS)

    def run_one(self) -> Job | None:
        """Do one job; None when there was none."""
        job = self._store.claim(self._who)
        if job is None:
            return None
        log.info("job begun", extra={"job": job.job_id, "kind": job.kind, "attempt": job.attempts})
        heart = Heart(self._store, job, self._stopping, lease_seconds=self._settings.job_lease_seconds)
        try:
            self._do(job, heart)
        except ConflictError as error:
            log.warning("job left to another runner", extra={"job": job.job_id, "reason": str(error)})
        return self._store.get(job.job_id)

    def sweep(self) -> None:
        """Remove the files of jobs that ended long ago, or that nobody knows."""
        files, oldest = JobFiles(self._settings.job_folder), utc_text(datetime.now(UTC) - self._kept)
        for job_id in files.ids():
            if self._is_over(job_id, oldest):
                files.remove(job_id)
                log.info("job's files removed", extra={"job": job_id})

    @property
    def _kept(self) -> timedelta:
        return timedelta(days=self._settings.job_days)

    def _is_over(self, job_id: str, oldest: str) -> bool:
        try:
            ended = self._store.get(job_id).finished_at
        except NotFoundError:
            made = JobFiles(self._settings.job_folder).folder(job_id).stat().st_mtime
            ended = utc_text(datetime.fromtimestamp(made, UTC))
        return ended is not None and ended < oldest

    def _do(self, job: Job, heart: Heart) -> None:
        try:
            with heart.beating(), self._stopping.working():
                ending = self._kinds[job.kind](Task(job, self._settings, heart))
        except Stopped:
            log.info("job given back", extra={"job": job.job_id, "kind": job.kind})
            if not heart.is_given_back:
                patiently(lambda: self._store.release(job))
        except Exception as error:  # noqa: BLE001  the edge: a job's failure must not end its runner
            problem = sentence_of(error)
            log.warning("job failed", extra={"job": job.job_id, "kind": job.kind, "reason": problem})
            patiently(lambda: self._store.fail(job, problem))
        else:
            patiently(lambda: self._store.finish(job, result=dict(ending.result), words=ending.words))
            log.info("job done", extra={"job": job.job_id, "kind": job.kind})
            for path in ending.leftovers:
                path.unlink(missing_ok=True)


def patiently(note: Callable[[], None]) -> None:
    """Note a job's end, also when the database is away for a minute: the work is done, and should not be done again.

    Raises:
        ConflictError: the job is another runner's by now.
        StoreError: the database is away for longer.
    """
    for pause in PATIENCE_SECONDS:
        try:
            note()
        except (ConflictError, RefusedError):
            raise
        except StoreError as error:
            log.warning("job's end not noted yet", extra={"reason": str(error)})
            time.sleep(pause)
        else:
            return
    note()


def sentence_of(error: Exception) -> str:
    """Say what went wrong, without a trace; an error that is not ours may quote a customer: only its kind is told."""
    if isinstance(error, ValidationError):
        names = ", ".join(".".join(map(str, one["loc"])) for one in error.errors(include_input=False))
        return f"this version does not understand the job's parameters: {names}"
    if isinstance(error, ChurnError):
        return str(error)
    log.error("job stumbled", exc_info=error)
    return f"something unexpected happened ({type(error).__name__}): the runner's log knows where"
