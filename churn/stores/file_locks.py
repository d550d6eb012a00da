"""A lock between processes that the system lets go of when its holder dies, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Hold a lock file, made if absent; yields False when another process holds it.

    Raises:
        OSError: the file can't be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield lock_alone(handle)
    finally:
        os.close(handle)


def share(path: Path) -> int:
    """Take part in a lock file, made if absent, for as long as this process lives or the returned handle is open.

    Raises:
        OSError: the file can't be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def lock_alone(handle: int) -> bool:
    """Lock an open file against everybody else; False when another process holds it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
