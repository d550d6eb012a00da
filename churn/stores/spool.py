"""The spool: where a worker leaves each prediction before it answers, and a relay fetches them from.

What an acknowledgement is worth: when `SpoolWriter.append` returns True the line is in the operating system's
hands, so it survives `kill -9` of the process. A sync follows within about a second, so a loss of power can take the
last second. There is no sync for each record: it would cost 1 to 10 ms of every request.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from churn.errors import UsageError
from churn.stores.segments import Segment

log = logging.getLogger(__name__)

BATCH_LINES = 256
DRAIN_BATCHES = 4


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """When a segment is changed, how long records wait for the disk, and how many may wait in memory."""

    segment_bytes: int = 4 << 20
    segment_seconds: float = 60.0
    sync_seconds: float = 1.0
    retry_seconds: float = 0.1
    queue_records: int = 100_000


class SpoolWriter:
    """One process's pen. Thread safe; made after a fork, never before one.

    A disk that takes no more (full, broken, folder deleted) is no reason to stop answering: records then wait in
    memory, and go to the disk first when it takes them again. When memory's bound is reached too, new ones are lost,
    and counted.
    """

    def __init__(self, folder: Path, door: str, limits: SpoolLimits | None = None) -> None:
        self.lost = 0
        self._folder = folder
        self._door = door
        self._limits = limits or SpoolLimits()
        self._queue: deque[bytes] = deque()
        self._segment: Segment | None = None
        self._retired: list[Segment] = []
        self._retry_at = 0.0
        self._is_failing = False
        self._is_dirty = False
        self._is_closed = False
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._tender = threading.Thread(target=self._tend_until_closed, name=f"spool-{door}", daemon=True)
        self._tender.start()

    @property
    def backlog(self) -> int:
        """How many records wait in this process's memory, because the disk takes none."""
        return len(self._queue)

    def append(self, record: bytes) -> bool:
        """Spool one record.

        Returns:
            True when it is in the file; False when it waits in memory, or is lost (then `lost` has grown).

        Raises:
            UsageError: the record is more than one line.
        """
        if b"\n" in record:
            raise UsageError("a spool record is one line: serialise it without line ends")
        line = record + b"\n"
        with self._lock:
            if not self._queue and not self._is_closed and self._write(line):
                return True
            return self._wait_in_memory(line)

    def extend(self, records: Sequence[bytes]) -> int:
        """Spool many records by one call of the system, if the disk takes them.

        Returns:
            How many are in the file; the others wait in memory, or are lost (then `lost` has grown).

        Raises:
            UsageError: a record is more than one line; none is spooled.
        """
        if not records:
            return 0
        lines = b"\n".join([*records, b""])
        if lines.count(b"\n") != len(records):
            raise UsageError("a spool record is one line: serialise it without line ends")
        with self._lock:
            written = 0 if self._queue or self._is_closed else self._write(lines)
            if written == len(lines):
                return len(records)
            done = lines.count(b"\n", 0, written)
            return done + sum(self._wait_in_memory(each + b"\n") for each in records[done:])

    def tend(self) -> None:
        """Write what waits, change an old segment, sync. Runs by itself about every second."""
        while self._drain_step():
            pass
        with self._lock:
            if self._segment is not None and self._is_worn(self._segment):
                self._retire()
            dirty, self._is_dirty = self._segment if self._is_dirty else None, False
            retired, self._retired = self._retired, []
        for each, finish in [(dirty, Segment.sync), *((old, Segment.close) for old in retired)]:
            self._finish(each, finish)

    def close(self) -> None:
        """Write, sync and unlock everything. What still waits in memory then is lost, counted and logged."""
        self._closing.set()
        self._tender.join()
        with self._lock:
            self._retry_at = 0.0
        self.tend()
        with self._lock:
            self._is_closed = True
            self._retire()
            self.lost += len(self._queue)
            self._queue.clear()
        self.tend()
        if self.lost:
            log.error("predictions were lost: the spool's disk took none", extra={"lost": self.lost})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, lines: bytes) -> int:
        if self._is_failing and time.monotonic() < self._retry_at:
            return 0
        try:
            written = self._current().append(lines)
        except OSError as error:
            self._fail(error.strerror or str(error))
            return 0
        self._is_dirty = True
        if written < len(lines):
            self._fail("the disk took only a part")
        elif self._is_failing:
            self._is_failing = False
            log.info("spool recovered", extra={"folder": str(self._folder), "waiting": len(self._queue)})
        return written

    def _current(self) -> Segment:
        if self._segment is not None and self._is_worn(self._segment):
            self._retire()
        if self._segment is None:
            self._segment = Segment.create(self._folder, self._door)
        return self._segment

    def _is_worn(self, segment: Segment) -> bool:
        return segment.size >= self._limits.segment_bytes or (
            segment.size > 0 and segment.age_seconds >= self._limits.segment_seconds
        )

    def _retire(self) -> None:
        # Closing syncs, which is slow: the tender does it.
        if self._segment is not None:
            self._retired.append(self._segment)
            self._segment = None

    def _fail(self, reason: str) -> None:
        # A fresh segment for the next try lets the relay delete the old one, which may be what makes room.
        self._retire()
        if self._is_failing:
            self._retry_at = time.monotonic() + self._limits.retry_seconds
        else:
            self._retry_at = 0.0  # a deleted folder is mended by the very next try
            log.error("spool can't write: predictions wait in memory", extra={"reason": reason})
        self._is_failing = True

    def _wait_in_memory(self, line: bytes) -> bool:
        if not self._is_closed and self._drain_some() and self._write(line):
            return True
        if self._is_closed or len(self._queue) >= self._limits.queue_records:
            self.lost += 1
            return False
        self._queue.append(line)
        return False

    def _drain_some(self) -> bool:
        # Bounded: one request must not pay for all that waited.
        return any(not self._drain() for _ in range(DRAIN_BATCHES)) and not self._queue

    def _drain_step(self) -> bool:
        with self._lock:
            return self._drain()

    def _drain(self) -> bool:
        # True: a batch went to the disk, try the next.
        batch = b"".join(islice(self._queue, BATCH_LINES))
        written = self._write(batch) if batch else 0
        for _ in range(batch.count(b"\n", 0, written)):
            self._queue.popleft()
        return 0 < written == len(batch)

    def _finish(self, segment: Segment | None, finish: Callable[[Segment], None]) -> None:
        if segment is None:
            return
        try:
            finish(segment)
        except OSError as error:
            log.warning("spool segment not synced", extra={"segment": segment.path.name, "reason": str(error)})

    def _tend_until_closed(self) -> None:
        while not self._closing.wait(self._limits.sync_seconds):
            self.tend()
