"""A worker: one process behind a door, with its live model, its spool, and the thread that looks after both."""

import logging
import threading
import time

from prometheus_client.core import Metric as Family

from churn import metrics
from churn.stores.backlog import backlog
from churn.stores.file_locks import share
from churn.stores.spool import SpoolWriter
from services import telemetry
from services.attendance import Attendance
from services.exchange import AttendantState, read_note
from services.live import LiveModel
from services.load import Load
from services.meters import family
from services.orphans import Lifeline
from services.settings import Door, ServiceSettings, metrics_folder, run_lock
from services.shadow_metrics import shadow_metrics
from services.stores import Stores
from services.usage import Usage

log = logging.getLogger(__name__)

STALE_SECONDS = 10.0
"""An attendant that was silent for so long is not there."""


class Worker:
    """Open it after a fork, never before one; it loads the bundle on disk at once, without asking anybody."""

    def __init__(self, door: Door, settings: ServiceSettings) -> None:
        self.door = door
        self.settings = settings
        self.started_at = time.time()
        self.load = Load(settings.max_in_flight)
        self.live = LiveModel(door, settings)
        self.spool = SpoolWriter(settings.spool_folder, door)
        self.stores = Stores(settings)
        self._attendance = Attendance(settings)
        self._usage = Usage()
        self._lifeline = Lifeline()
        self._run_lock = _share_run_folder()
        self._lost = 0
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def open(self) -> "Worker":
        """Load what is in production, and begin to look after it."""
        self._attendance.look()
        telemetry.show_door(self.door)
        telemetry.show_load(self.door, self.load, self._usage)
        self.live.follow()
        self._keeper.start()
        return self

    def close(self) -> None:
        """Write and sync what is recorded, then let go of the attendant."""
        self._closing.set()
        self._keeper.join()
        self.spool.close()
        self.stores.close()
        self._show_recorder()
        self._attendance.end()

    def attendant(self) -> AttendantState | None:
        """Return what the attendant said last; None when it has been silent, or never spoke."""
        state = read_note(AttendantState, self.settings.attendant_file)
        return state if state is not None and time.time() - state.at < STALE_SECONDS else None

    def backlog_records(self) -> int:
        """Return how many predictions are on disk and not yet in the SQL store."""
        return backlog(self.settings.spool_folder).records

    def metrics(self) -> bytes:
        """Return the metrics of all workers of this door, and of the home."""
        self._show_recorder()
        state = self.attendant()
        shadow = shadow_metrics(state.shadow if state else None)
        return telemetry.exposition(metrics_folder(), [*self._home_facts(), *shadow])

    def _home_facts(self) -> list[Family]:
        state = read_note(AttendantState, self.settings.attendant_file)
        is_present = self.attendant() is not None
        facts = {
            metrics.RECORDER_BACKLOG: self.backlog_records(),
            metrics.ATTENDANT_UP: is_present,
            metrics.REGISTRY_UP: is_present and state is not None and state.is_registry_up,
            metrics.REGISTRY_SYNC: state.last_sync if state else 0.0,
            metrics.DATABASE_UP: is_present and state is not None and state.is_database_up,
            metrics.QUARANTINED: len(state.quarantined) if state else 0,
        }
        return [family(metric, {(): float(value)}) for metric, value in facts.items()]

    def _keep(self) -> None:
        while not self._closing.wait(self.settings.follow_seconds):
            try:
                self._lifeline.look()
                self.live.follow()
                self._attendance.look()
                telemetry.show_load(self.door, self.load, self._usage)
                self._show_recorder()
            except Exception as error:  # noqa: BLE001  the thread must outlive whatever a disk or a bundle does
                log.error("keeper stumbled", extra={"kind": type(error).__name__})  # noqa: TRY400  no values in logs

    def _show_recorder(self) -> None:
        telemetry.WAITING.labels(self.door).set(self.spool.backlog)
        lost = self.spool.lost
        telemetry.LOST.labels(self.door).inc(lost - self._lost)
        self._lost = lost
        telemetry.settle()


def _share_run_folder() -> int | None:
    folder = metrics_folder()
    return share(run_lock(folder.parent)) if folder is not None and folder.parent.is_dir() else None
