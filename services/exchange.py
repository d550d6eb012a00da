"""What the attendant and the workers of one home tell each other: two small files, each replaced in one step."""

import os
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

DIGEST = r"^[0-9a-f]{64}$"


class Note(BaseModel):
    """Base of both files."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Pointer(Note):
    """Which bundle on disk an alias names; it was verified and gave its golden answers before."""

    name: str
    version: int
    digest: str = Field(pattern=DIGEST)
    """Also the name of its folder."""


class CanaryPointer(Pointer):
    """Which bundle on disk answers a share of the customers, and which share."""

    share: float = Field(gt=0, le=1, allow_inf_nan=False)
    salt: str = Field(max_length=64)
    """Another one draws other customers."""


class CanaryState(Note):
    """The version with the alias `canary`, as the attendant sees it."""

    version: int
    share: float = 0.0
    """Of the customers; 0: it answers nobody, and `problem` says why."""

    problem: str = ""


class ShadowState(Note):
    """How the version fares that is scored beside production. Numbers count since the attendant took it up."""

    version: int
    problem: str = ""
    """Why it is not scored, or was not last time; empty when it was."""

    scored: int = 0
    agreed: int = 0
    """Of those, predictions that decide as production's do."""

    unreadable: int = 0
    """Customers whose row its own contract does not hold for."""

    failed: int = 0
    """Customers that it was to score and could not."""


class AttendantState(Note):
    """How the attendant fares. Times are seconds since 1970."""

    pid: int
    at: float
    """When this was written: about once a second."""

    is_registry_up: bool = False
    last_sync: float = 0.0
    """When the registry last answered; 0: not yet."""

    registry_problem: str = ""
    is_database_up: bool = True
    database_problem: str = ""
    quarantined: dict[str, str] = {}
    """Versions whose bundle does not hold, each with the reason."""

    shadow: ShadowState | None = None
    """None: no version has the alias `shadow`."""

    canary: CanaryState | None = None
    """None: no version has the alias `canary`, or it is in production."""

    waiting_problem: str = ""
    """Why a version that an alias names is not taken up yet: the log that knows its digest does not answer."""

    jobs_problem: str = ""
    """Why jobs that wait are not done here; empty when they are, or nobody wants any."""


Kind = TypeVar("Kind", bound=Note)


def read_note(kind: type[Kind], path: Path) -> Kind | None:
    """Read one of the files; None when it is not there, or not readable."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def write_note(note: Note, path: Path) -> None:
    """Replace one of the files.

    Raises:
        OSError: the disk does not take it; the old file is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    draft.write_text(note.model_dump_json(), encoding="utf-8")
    draft.replace(path)
