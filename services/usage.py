"""Usage: what this process takes of its machine, as the kernel counts it."""

import os
import time
from pathlib import Path

STATM = Path("/proc/self/statm")
"""Sizes of the process in pages; the second is what is in memory (Linux)."""


class Usage:
    """What a worker used; its keeper asks."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def take_seconds(self) -> float:
        """Return the processor seconds used since this was asked last."""
        before, self._seconds = self._seconds, time.process_time()
        return self._seconds - before

    def resident_bytes(self) -> int:
        """Return the memory that is held; 0 where the kernel does not tell."""
        try:
            pages = int(STATM.read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")
