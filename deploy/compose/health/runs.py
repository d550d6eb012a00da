"""Ends with 0 when `churn WORD` runs in this container and is not stopped: `python -I -S runs.py work`."""

import sys
from pathlib import Path

AT_WORK = frozenset("RSD")
"""States of a process that runs, or waits for something."""


def runs(word: str, processes: Path = Path("/proc")) -> bool:
    """Say whether a process of that command is at work."""
    return any(_is_at_work(folder, word) for folder in processes.glob("[0-9]*"))


def _is_at_work(folder: Path, word: str) -> bool:
    try:
        words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        state = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False  # it ended meanwhile
    return (
        any(one.endswith("churn") and words[place + 1] == word for place, one in enumerate(words[:-1]))
        and state in AT_WORK
    )


if __name__ == "__main__":
    sys.exit(not runs(sys.argv[1]))
