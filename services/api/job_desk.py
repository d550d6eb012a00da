"""Where jobs are asked for: each is noted for the audit and put into the queue, the same request only once."""

import time
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

import anyio
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from churn.errors import NotFoundError
from churn.stores.job_files import home_id
from churn.stores.orders import ActivateOrder, Job, JobOrder, Kind, NewJob, RetrainOrder, ScoreOrder
from services.access.audit import audit, subject_of
from services.api.recording import new_prediction_id
from services.worker import Worker

if TYPE_CHECKING:
    from churn.stores.jobs import JobStore

IDEMPOTENCY_KEY = r"^[A-Za-z0-9._:-]{8,64}$"
LONGEST_WAIT = 30.0
LOOK_SECONDS = 0.2
MOST_WAITING = 20
"""Jobs that may wait or run: who asks for more asks for a machine that is busy for days."""


class JobDesk:
    """One worker's way to the queue. Its plain methods take the database's time: call them in a thread."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._settings = worker.settings

    def store(self) -> "JobStore":
        """Return the queue."""
        from churn.stores.jobs import JobStore  # noqa: PLC0415  it brings sqlalchemy

        return JobStore(self._worker.stores.engine(), lease_seconds=self._settings.job_lease_seconds)

    async def activate(
        self, request: Request, order: ActivateOrder, *, key: str | None, is_listed: Callable[[], None]
    ) -> Job:
        """Queue an activation.

        Raises:
            NotFoundError: there is no such version.
        """
        await run_in_threadpool(is_listed)
        job_id = self.new_id(request, "activate", key)
        subject = f"{self._settings.model} version {order.version}"
        return await run_in_threadpool(self._add, request, "activate", order, (job_id, subject))

    def retrain(self, request: Request, order: RetrainOrder, *, key: str | None) -> Job:
        """Queue a retraining; it needs the files of this home."""
        job_id = self.new_id(request, "retrain", key)
        return self._add(request, "retrain", order, (job_id, self._settings.model), is_here=True)

    def score(self, request: Request, order: ScoreOrder, *, job_id: str) -> Job:
        """Queue the scoring of a file that is in the job's folder."""
        return self._add(request, "score", order, (job_id, order.file), is_here=True)

    def new_id(self, request: Request, kind: Kind, key: str | None) -> str:
        """Return a job's id: a client's key gives the same one again."""
        if key is None:
            return new_prediction_id()
        return sha256("\x1f".join((subject_of(request).name, kind, key)).encode()).hexdigest()[:32]

    def get(self, job_id: str) -> Job:
        """Return a job of this door's model.

        Raises:
            NotFoundError: there is none.
        """
        found = self.store().get(job_id)
        if found.model_name != self._settings.model:
            raise NotFoundError(f"there is no job {job_id}: GET /api/v1/jobs lists the newest")
        return found

    async def ended(self, job: Job, seconds: float) -> Job:
        """Wait for a job's end, but not longer than this; return it as it is then."""
        deadline = time.monotonic() + seconds
        while not job.has_ended and time.monotonic() < deadline:
            await anyio.sleep(LOOK_SECONDS)
            job = await run_in_threadpool(self.get, job.job_id)
        return job

    def is_known(self, job_id: str) -> bool:
        """Say whether there is such a job."""
        try:
            self.store().get(job_id)
        except NotFoundError:
            return False
        return True

    def _add(
        self, request: Request, kind: Kind, order: JobOrder, named: tuple[str, str], *, is_here: bool = False
    ) -> Job:
        job_id, subject = named
        store = self.store()
        if not self.is_known(job_id):
            self._bound(store)
            audit(request, action=kind, subject=subject, outcome="accepted", details={"job_id": job_id})
        return store.add(
            NewJob(
                job_id=job_id,
                kind=kind,
                model_name=self._settings.model,
                actor=subject_of(request).name,
                parameters=order.model_dump(mode="json", exclude_none=True),
                home=home_id(self._settings.home.resolve()) if is_here else None,
            )
        )

    def _bound(self, store: "JobStore") -> None:
        if store.unfinished(self._settings.model) >= MOST_WAITING:
            raise HTTPException(
                429, f"{MOST_WAITING} jobs wait or run already: ask again when some are done", {"retry-after": "30"}
            )
