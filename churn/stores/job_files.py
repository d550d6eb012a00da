"""The files of jobs: one folder per job under the home, which has an id, for a database may serve several homes."""

import os
import re
import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from churn.errors import UsageError

JOB_ID = re.compile(r"^[0-9a-f]{32}\Z")
SCORES = "scores.csv"
REJECTED = "scores.rejected.csv"


def home_id(home: Path) -> str:
    """Return the id of an installation, made when it is first asked for; any number of processes may ask at once.

    It lies with the files of jobs: doors and runners that have homes of their own share that folder, and so the id.
    """
    path = home / "jobs" / "home.id"
    with suppress(FileNotFoundError):
        return path.read_text(encoding="ascii")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".home.id-{uuid.uuid4().hex}")
    draft.write_text(uuid.uuid4().hex, encoding="ascii")
    with suppress(FileExistsError):
        os.link(draft, path)  # whoever comes first wins, and nobody sees half a file
    draft.unlink()
    return path.read_text(encoding="ascii")


@dataclass(frozen=True, slots=True)
class JobFiles:
    """The folder of all jobs of a home."""

    root: Path

    def folder(self, job_id: str) -> Path:
        """Return the place of one job's files, made or not.

        Raises:
            UsageError: that can't be a job's id.
        """
        if not JOB_ID.match(job_id):
            raise UsageError("a job's id is 32 hexadecimal digits")
        return self.root / job_id

    def ids(self) -> list[str]:
        """Return the jobs that have files."""
        return sorted(path.name for path in self.root.glob("*") if JOB_ID.match(path.name))

    def remove(self, job_id: str) -> None:
        """Delete one job's files."""
        shutil.rmtree(self.folder(job_id), ignore_errors=True)


def file_within(folder: Path, name: str) -> Path:
    """Return a file of a folder by its own name.

    Raises:
        UsageError: it is not there, or lies elsewhere, be it by a link.
    """
    path = (folder / name).resolve()
    if path.parent != folder.resolve() or not path.is_file():
        raise UsageError(
            f"there is no file {name!r} in the folder of tables: put it into {folder}, or set CHURN_TABLES"
        )
    return path
