"""Segments: the spool's append-only files, one record a line, each locked by the process that writes it."""

import errno
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from churn.stores.file_locks import lock_alone

NAME = re.compile(r"^.+-\d+-\d+\.jsonl$")
CHUNK_BYTES = 1 << 20
NOTE = "relay.json"

log = logging.getLogger(__name__)


class Segment:
    """A file that this process alone appends to. Not thread safe: its SpoolWriter is."""

    __slots__ = ("_handle", "_opened_at", "path", "size")

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self.size = 0
        self._handle = handle
        self._opened_at = time.monotonic()

    @classmethod
    def create(cls, folder: Path, door: str) -> "Segment":
        """Create `<door>-<pid>-<nanoseconds>.jsonl` and lock it; a name is never used again.

        Raises:
            OSError: the folder can't be made, or takes no new file.
        """
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            path = folder / f"{door}-{os.getpid()}-{time.time_ns()}.jsonl"
            try:
                handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            if lock_alone(handle):
                return cls(path, handle)
            os.close(handle)  # a relay looked between creation and lock: it deletes the empty file

    @property
    def age_seconds(self) -> float:
        """How long this segment has been open."""
        return time.monotonic() - self._opened_at

    def append(self, lines: bytes) -> int:
        """Write whole lines by one call of the system, and cut off what is torn.

        Returns:
            How many bytes of whole lines are in the file now.

        Raises:
            OSError: nothing was written that can be relied on; use another segment.
        """
        written = os.write(self._handle, lines)
        if written != len(lines):
            written = lines.rfind(b"\n", 0, written) + 1
            os.ftruncate(self._handle, self.size + written)
        if os.fstat(self._handle).st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, "the segment was deleted while it was written", str(self.path))
        self.size += written
        return written

    def sync(self) -> None:
        """Force what was written to the disk: it then survives a loss of power."""
        os.fsync(self._handle)

    def close(self) -> None:
        """Sync, unlock and close; an empty segment is removed."""
        try:
            if self.size:
                self.sync()
            else:
                self.path.unlink(missing_ok=True)
        finally:
            os.close(self._handle)


def segments_in(folder: Path) -> list[Path]:
    """Return the segment files, each writer's in the order of their making; [] when there is no folder."""
    try:
        return sorted(path for path in folder.iterdir() if NAME.match(path.name))
    except FileNotFoundError:
        return []


def read_lines(path: Path, offset: int, *, limit_bytes: int = CHUNK_BYTES) -> tuple[list[bytes], int]:
    """Read whole lines from `offset` on, about `limit_bytes` of them.

    Returns:
        The lines without their ends, and the offset after them. No lines: nothing but, maybe, a torn line is left.
    """
    with path.open("rb") as file:
        file.seek(offset)
        read = file.read(limit_bytes)
        while b"\n" not in read and (more := file.read(limit_bytes)):
            read += more
    whole = read[: read.rfind(b"\n") + 1]
    return whole.split(b"\n")[:-1], offset + len(whole)


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of a file or folder; yields False when another process holds it, or it is gone."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        yield lock_alone(handle)
    finally:
        os.close(handle)


def read_offsets(folder: Path) -> dict[str, int]:
    """Return how far the relay has come in each segment, by file name; {} when it left no readable note."""
    try:
        noted = orjson.loads((folder / NOTE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    if not isinstance(noted, dict):
        return {}
    return {name: offset for name, offset in noted.items() if isinstance(offset, int) and offset >= 0}


def save_offsets(folder: Path, offsets: dict[str, int]) -> None:
    """Note how far the relay has come, in one atomic step. A note that can't be kept costs time, never a record."""
    draft = folder / f"{NOTE}.draft"
    try:
        draft.write_bytes(orjson.dumps(offsets))
        draft.replace(folder / NOTE)
    except OSError as error:
        log.warning("relay note not kept", extra={"folder": str(folder), "reason": str(error)})
