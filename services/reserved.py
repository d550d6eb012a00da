"""Metrics files whose room is taken before it is used.

prometheus_client maps its files into memory, and maps more than the disk has given: a process that writes there when
the disk is full ends with SIGBUS. Room that is taken first is an OSError instead, in the thread that keeps the counts,
while requests are answered.
"""

import os
from pathlib import Path

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

ROOM_BYTES = 256 << 10
"""Of one file: what all routes of a door and some versions take."""

ENTRY_BYTES = 64
"""What an entry has beside its name, and more."""


class ReservedDict(MmapedDict):
    """A file of metrics on disk space that is its own."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002  prometheus' signature
        if not read_mode:
            with Path(filename).open("ab") as file:
                _take(file.fileno(), ROOM_BYTES)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        capacity = self._capacity
        while self._used + len(key.encode()) + ENTRY_BYTES > capacity:
            capacity *= 2
        if capacity > self._capacity:
            _take(self._f.fileno(), capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]


def reserve_metrics() -> None:
    """Let the metrics of this process have files of this kind; before the first metric is made."""
    values.MmapedDict = ReservedDict  # type: ignore[attr-defined]


def _take(handle: int, size: int) -> None:
    os.posix_fallocate(handle, 0, size)
