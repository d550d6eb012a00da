"""A job in a runner's hands: what it is told, what it may not be torn from, and how it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from churn.stores.orders import Job
from pipelines.settings import PipelineSettings


class Teller(Protocol):
    """Is told how a job gets on. Both methods raise when the job has to stop."""

    def tell(self, words: str, progress: float | None = None) -> None:
        """Take what the job does now, and its share that is done; None: as before."""

    def commit(self) -> None:
        """From here on the job is not interrupted: it ends soon, and what follows must not be half done."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a kind of job gets to do its work."""

    job: Job
    settings: PipelineSettings
    teller: Teller


@dataclass(frozen=True, slots=True)
class Ending:
    """What came of a job, as JSON values and in words.

    Attributes:
        leftovers: files that nobody needs once the end is noted.
    """

    words: str
    result: Mapping[str, object] = field(default_factory=dict)
    leftovers: tuple[Path, ...] = ()
