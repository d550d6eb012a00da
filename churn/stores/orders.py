"""Jobs as everybody sees them: what each kind is asked for, and how one fares. No database is needed to read this."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["retrain", "activate", "score"]
Status = Literal["queued", "running", "done", "failed"]

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""A file's own name: it can't lead out of its folder."""

Reason = Annotated[str, Field(min_length=3, max_length=1000, pattern=r"^[^\x00]*$")]
Version = Annotated[int, Field(ge=1, lt=2**31)]


class JobOrder(BaseModel):
    """What one kind of job is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RetrainOrder(JobOrder):
    """Train, evaluate and register a new version. What is not given stays as in `pipelines/parameters/train.yaml`."""

    data: FileName | None = Field(
        default=None, description="Name of a file in the folder of tables; absent: the table of the newest training."
    )
    contract: FileName | None = Field(
        default=None, description="Name of a YAML file there; absent: the contract of the newest training."
    )
    trials: int | None = Field(default=None, ge=1, le=10_000)
    timeout_minutes: float | None = Field(default=None, ge=0, le=10_080)
    candidates: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")], ...] | None = Field(
        default=None, min_length=1, max_length=20
    )
    workers: int | None = Field(default=None, ge=0, le=256, description="Processes that search; 0: one for each core.")
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    activate: bool = Field(default=False, description="True: it takes production's place too, if the gate agrees.")


class ActivateOrder(JobOrder):
    """Give a version the alias `production`."""

    version: Version
    reason: Reason
    override: bool = False
    """Move although the gate says no; the audit keeps what it said."""


class ScoreOrder(JobOrder):
    """Score the file that was stored with the job."""

    file: FileName
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    version: Version | None = None
    explain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """Work that somebody wants done.

    Attributes:
        home: id of the installation that has its files; None: any may do it.
    """

    job_id: str
    kind: Kind
    model_name: str
    actor: str
    parameters: Mapping[str, object]
    home: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job now.

    Attributes:
        progress: 0 … 1.
        words: what it is doing, or did.
        result: what came of it; empty until it is done.
        problem: why it failed, in a sentence; empty unless it did.
        worker: who does it, or did it last.
        attempts: how often somebody began.
        seen_at: when the worker last gave a sign of life.
    """

    job_id: str
    kind: Kind
    model_name: str
    home: str | None
    status: Status
    actor: str
    parameters: Mapping[str, object]
    progress: float
    words: str
    result: Mapping[str, object]
    problem: str
    worker: str
    attempts: int
    created_at: str
    started_at: str | None
    seen_at: str | None
    finished_at: str | None

    @property
    def has_ended(self) -> bool:
        """True when nobody will work on it any more."""
        return self.status in {"done", "failed"}


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who asks for work: a process's name, and which work it can do."""

    name: str
    model_name: str
    home: str
