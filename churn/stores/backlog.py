"""The backlog: how much a spool folder holds that the relay has not moved yet."""

from dataclasses import dataclass
from pathlib import Path

from churn.stores.segments import CHUNK_BYTES, read_lines, read_offsets, segments_in

COUNTED_BYTES = 4 * CHUNK_BYTES


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in a spool folder for the relay."""

    records: int
    """Exact up to 4 MB of waiting lines; estimated from their mean length beyond."""

    bytes: int
    segments: int


def backlog(folder: Path) -> Backlog:
    """Measure what the relay has not moved yet. Reads at most about 4 MB, so it may be asked at every scrape."""
    done, tails = read_offsets(folder), []
    for path in segments_in(folder):
        size = _size_of(path)
        if size > (start := _start_of(done, path, size)):
            tails.append((path, start, size - start))
    waiting = sum(length for _, _, length in tails)
    return Backlog(records=_count_lines(tails, waiting), bytes=waiting, segments=len(tails))


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _start_of(done: dict[str, int], path: Path, size: int) -> int:
    start = done.get(path.name, 0)
    return start if start <= size else 0


def _count_lines(tails: list[tuple[Path, int, int]], waiting: int) -> int:
    counted = lines = 0
    for path, start, length in tails:
        if counted >= COUNTED_BYTES:
            return round(lines * waiting / counted)
        try:
            lines += len(read_lines(path, start, limit_bytes=length)[0])
        except FileNotFoundError:
            waiting -= length
            continue
        counted += length
    return lines
