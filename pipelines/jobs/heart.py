"""The heart of a running job: a thread that tells the queue that the runner lives, and how far the job is."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from churn.errors import ConflictError, StoreError
from churn.stores.jobs import JobStore
from churn.stores.orders import Job
from pipelines.jobs.stopping import Stopping

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
BEATS_PER_LEASE = 4


class Heart:
    """Beats while a job runs. Told often, it writes seldom: at most a few times a second.

    Attributes:
        is_given_back: the job is in the queue again, because this process was asked to stop.
    """

    def __init__(self, store: JobStore, job: Job, stopping: Stopping, *, lease_seconds: float) -> None:
        self.is_given_back = False
        self._store, self._job, self._stopping = store, job, stopping
        self._looks_per_beat = max(1, int(lease_seconds / BEATS_PER_LEASE / LOOK_SECONDS))
        self._news: tuple[str, float | None] | None = None
        self._lost = ""
        self._is_whole = False
        self._ending = threading.Event()

    def tell(self, words: str, progress: float | None = None) -> None:
        """Take what the job does now.

        Raises:
            ConflictError: another runner has taken the job.
        """
        if self._lost:
            raise ConflictError(self._lost)
        self._news = (words, progress)

    @contextmanager
    def beating(self) -> Iterator["Heart"]:
        """Beat during the block."""
        thread = threading.Thread(target=self._run, name="heart", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ending.set()
            thread.join()

    def commit(self) -> None:
        """From here on the job is neither stopped nor given back: what follows is made or not made, never half.

        Raises:
            Stopped: somebody asked to stop before.
        """
        self._is_whole = True
        self._stopping.hold()

    def _run(self) -> None:
        looks = 0
        while not self._ending.wait(LOOK_SECONDS) and not self._lost:
            looks += 1
            if self._stopping.is_asked.is_set() and not self._is_whole:
                self._beat(give_back=True)
                return
            if self._news or looks % self._looks_per_beat == 0:
                self._beat()

    def _beat(self, *, give_back: bool = False) -> None:
        news, self._news = self._news, None
        try:
            if give_back:
                self._store.release(self._job)
                self.is_given_back = True
            else:
                words, progress = news or (None, None)
                self._store.show(self._job, words=words, progress=progress)
        except ConflictError as error:
            self._lost = str(error)
        except StoreError as error:
            log.warning("sign of life not given", extra={"job": self._job.job_id, "reason": str(error)})
