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
    """Which bundle on disk is in production, or the shadow; it was verified and gave its golden answers before."""

    name: str
    version: int
    digest: str = Field(pattern=DIGEST)
    """Also the name of its folder."""


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
