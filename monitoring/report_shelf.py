"""The shelf of reports: one folder per run, the oldest removed, a copy with the version's run in MLflow."""

import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from churn.errors import StoreError

log = logging.getLogger(__name__)

PAGE = "drift.html"
SUMMARY = "drift.json"
WORDS = "drift.md"
PICTURE = "drift.png"
EVIDENTLY = "evidently.json"
FOLDER_NAME = re.compile(r"^\d{8}T\d{9}Z-v\d+$")


def folder_name(at: str, version: int) -> str:
    """Name the folder of a run, so that names sort as time does."""
    return f"{re.sub(r'[-:.]', '', at)}-v{version}"


def shelve(folder: Path, files: Mapping[str, str | bytes], *, kept: int) -> None:
    """Write a run's files in one step, and remove all but the newest `kept` runs.

    Raises:
        StoreError: the disk does not take them.
    """
    draft = folder.with_name(f".{folder.name}")
    try:
        draft.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (draft / name).write_bytes(content.encode() if isinstance(content, str) else content)
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise StoreError(f"the report {folder} can't be written: {error.strerror}. Free some space") from error
    _remove_old(folder.parent, kept)


def _remove_old(shelf: Path, kept: int) -> None:
    ours = sorted(path for path in shelf.iterdir() if path.is_dir() and FOLDER_NAME.match(path.name))
    for path in ours[:-kept]:
        shutil.rmtree(path, ignore_errors=True)


def log_to_run(tracking_uri: str, run_id: str, folder: Path) -> bool:
    """Copy a report to a run in MLflow; without MLflow the report on disk has to do, and False is returned."""
    from mlflow import MlflowClient  # noqa: PLC0415  takes a second
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        place = f"{folder.parent.name}/{folder.name}"
        MlflowClient(tracking_uri=tracking_uri).log_artifacts(run_id, str(folder), place)
    except (MlflowException, OSError) as error:
        log.warning("report not logged to MLflow", extra={"run": run_id, "why": str(error).splitlines()[0][:300]})
        return False
    return True
