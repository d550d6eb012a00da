"""The relay: moves the spool's records into the SQL store.

A record is stored, then its place is noted, then its segment is deleted. Whenever the relay dies between two of these
steps, the next one stores some records again, and their ids make that no difference.
"""

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson

from churn.errors import ContractError, RefusedError, StoreError
from churn.scoring.prediction import Prediction, utc_now
from churn.stores.backlog import backlog
from churn.stores.segments import locked, read_lines, read_offsets, save_offsets, segments_in

log = logging.getLogger(__name__)

REJECTED = "rejected.jsonl"
LONGEST_PAUSE_SECONDS = 30.0


class Sink(Protocol):
    """Where records go; a PredictionStore."""

    def add(self, records: Sequence[Prediction]) -> int:
        """Store records; an id that is known already is left as it is."""


@dataclass(frozen=True, slots=True)
class RelayReport:
    """What one run did."""

    moved: int = 0
    """Records that are now in the store, those that were there before included."""

    waiting: int = 0
    bad: int = 0
    """Lines that are no record, now in `rejected.jsonl`."""

    torn: int = 0
    """Last lines of writers that died while writing: never acknowledged, dropped."""

    is_alone: bool = True
    """False: another relay was at work on this folder, and this one did nothing."""


class Relay:
    """Moves what the writers of one folder left. Several may run; only one works at a time."""

    def __init__(self, folder: Path, store: Sink) -> None:
        self._folder = folder
        self._store = store
        self._offsets: dict[str, int] = {}
        self._moved = self._bad = self._torn = 0

    def run_once(self) -> RelayReport:
        """Move everything that is there now.

        Raises:
            StoreError: the database is away; nothing is lost, the rest is moved by a later run.
        """
        if not self._folder.is_dir():
            return RelayReport()
        with locked(self._folder) as is_alone:
            if not is_alone:
                return RelayReport(waiting=backlog(self._folder).records, is_alone=False)
            self._moved = self._bad = self._torn = 0
            self._recall()
            for path in segments_in(self._folder):
                self._move_segment(path)
            save_offsets(self._folder, self._offsets)
        return RelayReport(self._moved, backlog(self._folder).records, self._bad, self._torn)

    def run_until(self, stopping: threading.Event, *, every_seconds: float = 1.0) -> None:
        """Run again and again until `stopping`, then once more; wait longer while the database is away."""
        pause = every_seconds
        while not stopping.wait(pause):
            pause = every_seconds if self._try_once(pause) else min(2 * pause, LONGEST_PAUSE_SECONDS)
        self._try_once(0.0)

    def _try_once(self, pause: float) -> bool:
        try:
            report = self.run_once()
        except StoreError as error:
            log.warning("predictions wait in the spool", extra={"reason": str(error), "paused_seconds": pause})
            return False
        if report.bad or report.torn:
            log.error("spool lines set aside", extra={"bad": report.bad, "torn": report.torn})
        return True

    def _recall(self) -> None:
        # Another relay may have come further, and our own note may not have reached a full disk.
        noted = read_offsets(self._folder)
        names = {path.name for path in segments_in(self._folder)}
        self._offsets = {name: max(noted.get(name, 0), self._offsets.get(name, 0)) for name in names}

    def _move_segment(self, path: Path) -> None:
        try:
            with locked(path) as is_abandoned:
                self._move_lines(path)
                if is_abandoned:
                    self._delete(path)
        except OSError as error:
            log.warning("segment left for later", extra={"segment": path.name, "reason": str(error)})

    def _move_lines(self, path: Path) -> None:
        offset = self._offsets.get(path.name, 0)
        while True:
            lines, offset = read_lines(path, offset)
            if not lines:
                return
            self._store_records([record for line in lines if (record := self._read(line, path))], path)
            self._offsets[path.name] = offset
            save_offsets(self._folder, self._offsets)

    def _read(self, line: bytes, path: Path) -> Prediction | None:
        try:
            return Prediction.from_json(line)
        except ContractError as error:
            self._reject(line, path, str(error))
            return None

    def _store_records(self, records: Sequence[Prediction], path: Path) -> None:
        try:
            self._store.add(records)
        except RefusedError as error:
            if len(records) == 1:
                self._reject(records[0].to_json(), path, str(error))
                return
            half = len(records) // 2
            self._store_records(records[:half], path)
            self._store_records(records[half:], path)
        else:
            self._moved += len(records)

    def _reject(self, line: bytes, path: Path, reason: str) -> None:
        note = {"at": utc_now(), "segment": path.name, "reason": reason, "line": line.decode(errors="backslashreplace")}
        handle = os.open(self._folder / REJECTED, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(handle, "wb") as file:  # noqa: PTH123  a file of customers' values is its owner's alone
            file.write(orjson.dumps(note, option=orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(handle)
        self._bad += 1

    def _delete(self, path: Path) -> None:
        # Its writer is gone, so it does not grow any more: what is left is a line that was never whole.
        if path.stat().st_size > self._offsets.get(path.name, 0):
            self._torn += 1
        path.unlink()
        self._offsets.pop(path.name, None)
