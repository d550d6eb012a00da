"""The folder of backups: one folder each, complete or not there; old ones go, the newest never."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from deploy.host.backups.manifest import NAME
from deploy.host.failure import HostError

PARTIAL = ".partial"
LOCK = ".lock"
TIME = "%Y%m%dT%H%M%SZ"
NAMED = re.compile(r"^[0-9]{8}T[0-9]{6}Z$")


def name_of(now: datetime) -> str:
    """Return the name of a backup that begins now."""
    return now.astimezone(timezone.utc).strftime(TIME)  # noqa: UP017  datetime.UTC is younger than some hosts' Python


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """Give a folder to fill, which gets its name when all went well, and is deleted when not.

    Raises:
        HostError: there is such a folder, or another backup is being made beside it.
    """
    _make_private(folder.parent)
    with _alone(folder.parent):
        if folder.exists():
            raise HostError(f"{folder} is there already: a backup is never written over another, give another name")
        for left in folder.parent.glob(f"*{PARTIAL}"):
            shutil.rmtree(left)  # of a backup that was killed: whoever makes one holds the lock
        partial = folder.with_name(folder.name + PARTIAL)
        _make_private(partial)
        try:
            yield partial
            partial.rename(folder)
            _sync(folder.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def complete(root: Path) -> list[Path]:
    """Return the backups of a folder that were named by their time, the oldest first."""
    return sorted(each.parent for each in root.glob(f"*/{NAME}") if NAMED.match(each.parent.name))


def forget(root: Path, keep: int) -> list[Path]:
    """Delete all but the newest `keep`, and return what was deleted.

    Raises:
        HostError: a folder can't be deleted.
    """
    old = complete(root)[: -max(keep, 1)]
    for each in old:
        try:
            shutil.rmtree(each)
        except OSError as error:
            raise HostError(
                f"the old backup {each} can't be deleted: {error.strerror}; the new one is whole"
            ) from error
    return old


def require_space(folder: Path, needed: int) -> None:
    """Look whether the disk takes a backup, before anything is written.

    Raises:
        HostError: it does not; both numbers are in the message.
    """
    place = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise HostError(
            f"the disk of {place} has {said(free)} free, and the backup may need {said(needed)}: "
            "make room, give `--keep`, or write elsewhere with TO=folder"
        )


def said(size: float) -> str:
    """Say a number of bytes."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    with (root / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise HostError(f"another backup is being written to {root}: wait for its end") from error
        yield


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HostError(f"{folder} can't be made: {error.strerror}") from error


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
