"""Living: whether the process of a number is at work, or only not yet taken leave of."""

import os
from pathlib import Path

PROCESSES = Path("/proc")
"""One folder for each (Linux)."""

ENDED = frozenset("ZX")
"""States of a process that runs no more and whose parent has not asked how it ended."""


def is_alive(process_id: int) -> bool:
    """Say whether a process runs; one that was killed and is kept for its parent does not."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(process_id) not in ENDED


def _state(process_id: int) -> str:
    """Return the letter that follows the program's name in brackets; empty where the kernel does not tell."""
    try:
        found = (PROCESSES / str(process_id) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return found.rpartition(")")[2].split()[0]
