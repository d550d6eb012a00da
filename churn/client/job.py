"""A job at the doors: something that takes longer than a request."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from churn.client.answers import JobState
from churn.errors import ApiError, UnreachableError

if TYPE_CHECKING:
    from churn.client.client import Client

ENDED = frozenset({"done", "failed"})
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
CONFLICT = 409


class Job:
    """A retraining, an activation or the scoring of a large file.

    Attributes:
        id: by which the doors know it.
        state: as it was when it was last asked for.
    """

    def __init__(self, client: "Client", state: JobState) -> None:
        self._client = client
        self.state = state
        self.id = state.job_id

    @property
    def is_ended(self) -> bool:
        """Whether it was done, or had failed, when it was last asked for."""
        return self.state.status in ENDED

    def refresh(self) -> JobState:
        """Ask how far it is."""
        self.state = self._client.job_state(self.id)
        return self.state

    def wait(self, timeout_seconds: float = 3600.0, *, tell: Callable[[JobState], None] = lambda _: None) -> JobState:
        """Wait until it has ended, and return how.

        Args:
            timeout_seconds: longest wait.
            tell: is told each time that it was asked for.

        Raises:
            ApiError: it failed; the message is the job's own problem.
            UnreachableError: it has not ended in time.
        """
        ends_at, pause = time.monotonic() + timeout_seconds, FIRST_PAUSE_SECONDS
        while not self.is_ended:
            if time.monotonic() + pause > ends_at:
                raise UnreachableError(f"job {self.id} is {self.state.status} after {timeout_seconds:g} s: wait longer")
            time.sleep(pause)
            pause = min(1.5 * pause, LONGEST_PAUSE_SECONDS)
            tell(self.refresh())
        if self.state.status == "failed":
            words = f"job {self.id} failed: {self.state.problem or self.state.words}"
            raise ApiError(words, status=CONFLICT, problem=self.state.model_dump(), request_id="")
        return self.state

    def save_result(self, path: Path | str) -> Path:
        """Write the job's result into a file, as a whole or not at all."""
        return self._client.save(f"/api/v1/jobs/{self.id}/result", Path(path))
