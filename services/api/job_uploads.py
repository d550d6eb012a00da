"""Files that come with jobs: copied into the job's folder before the job is queued."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from fastapi import UploadFile
from starlette.exceptions import HTTPException

from churn.stores.job_files import JobFiles
from churn.stores.orders import ScoreOrder
from services.settings import ServiceSettings

ENDINGS = {
    ".csv": "input.csv",
    ".txt": "input.csv",
    ".tsv": "input.csv",
    ".parquet": "input.parquet",
    ".pq": "input.parquet",
}
"""Ending of the sent name → name of ours: nothing else of what a client calls a file reaches the disk."""

BLOCK = 1 << 20


@contextmanager
def stored(
    settings: ServiceSettings, upload: UploadFile, job_id: str, *, is_known: Callable[[str], bool]
) -> Iterator[ScoreOrder]:
    """Have an uploaded file in its job's folder; if the block fails, what was put there is removed.

    Raises:
        HTTPException: 415, the file's name has another ending.
    """
    name = _name_of(upload)
    files = JobFiles(settings.job_folder)
    with _received(files.root, upload) as (draft, digest):
        order = ScoreOrder(file=name, sha256=digest)
        if is_known(job_id):
            yield order
            return
        folder = files.folder(job_id)
        folder.mkdir(exist_ok=True)
        with suppress(FileExistsError):
            os.link(draft, folder / name)
        try:
            yield order
        except BaseException:
            if not _is_known(is_known, job_id):
                files.remove(job_id)
            raise


def _is_known(is_known: Callable[[str], bool], job_id: str) -> bool:
    """Say whether somebody else made the job meanwhile; when nobody can say, its files stay for the sweep."""
    try:
        return is_known(job_id)
    except Exception:  # noqa: BLE001  on the way out of another error, which says more
        return True


@contextmanager
def _received(root: Path, upload: UploadFile) -> Iterator[tuple[Path, str]]:
    """Copy an upload; yields its place and its sha256."""
    root.mkdir(parents=True, exist_ok=True)
    draft, digest = root / f".incoming-{uuid4().hex}", hashlib.sha256()
    try:
        with draft.open("wb") as stream:
            while block := upload.file.read(BLOCK):
                digest.update(block)
                stream.write(block)
        yield draft, digest.hexdigest()
    finally:
        draft.unlink(missing_ok=True)


def _name_of(upload: UploadFile) -> str:
    name = ENDINGS.get(Path(upload.filename or "").suffix.lower())
    if name is None:
        raise HTTPException(415, "send a file whose name ends in .csv or .parquet")
    return name
