"""The attendant: one process per home that does the slow work of all workers, so that they need no network.

Reads:  the registry's aliases; what our own log knows of the versions they name; the spool.
Writes: `<home>/bundles` and the pointer in it; the SQL store; `<home>/attendant.json` and `<home>/catalogue.json`.

A worker starts it and holds the other end of its standard input: when that worker dies the attendant ends, its lock is
free, and another worker starts the next one.
"""

import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from churn.errors import StoreError
from churn.settings import set_library_defaults
from churn.stores.file_locks import exclusive
from services.exchange import AttendantState, ShadowState, write_note
from services.foreman import Foreman
from services.logs import configure_logs
from services.settings import ServiceSettings, prepare_attendant

if TYPE_CHECKING:
    from churn.stores.relay import Relay
    from services.mirror import Mirror
    from services.shadow import Shadow

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 10.0
NICENESS = 10
"""Whoever answers customers goes first."""


def main() -> None:
    """Attend until the parent is gone, or SIGTERM."""
    prepare_attendant()
    set_library_defaults()
    settings = ServiceSettings()
    configure_logs("attendant", settings.log_format)
    with exclusive(settings.attendant_lock) as is_the_one:
        if is_the_one:
            _attend(settings)


def _attend(settings: ServiceSettings) -> None:
    import alembic.command  # noqa: F401, PLC0415  before the threads: from two ends at once, its circle of imports breaks

    stopping = threading.Event()
    os.nice(NICENESS)
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the door, which then lets go of us
    threading.Thread(target=_wait_for_parent, args=(stopping,), daemon=True).start()
    courier, foreman = Courier(settings), Foreman(settings)
    works = {"relay": courier.run, "jobs": foreman.run}
    others = [threading.Thread(target=work, args=(stopping,), name=name) for name, work in works.items()]
    for each in others:
        each.start()
    try:
        _mirror(settings, courier, foreman, stopping)
    finally:  # whatever ends the mirror: the lock must not become free while the others are at work
        stopping.set()
        for each in others:
            each.join()


def _wait_for_parent(stopping: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stopping.set()


def _mirror(settings: ServiceSettings, courier: "Courier", foreman: Foreman, stopping: threading.Event) -> None:
    from services.catalogue import Cataloguer  # noqa: PLC0415  as below
    from services.mirror import Mirror  # noqa: PLC0415  mlflow takes seconds, and the lock comes first

    mirror, cataloguer = Mirror(settings), Cataloguer(settings)
    while not stopping.is_set():
        mirror.sync()
        if not mirror.problem:
            cataloguer.look()
        _report(settings, mirror, courier, foreman)
        stopping.wait(settings.sync_seconds)


def _report(settings: ServiceSettings, mirror: "Mirror", courier: "Courier", foreman: Foreman) -> None:
    state = AttendantState(
        pid=os.getpid(),
        at=time.time(),
        is_registry_up=not mirror.problem,
        last_sync=mirror.last_sync,
        registry_problem=mirror.problem,
        is_database_up=not courier.problem,
        database_problem=courier.problem,
        quarantined=mirror.quarantined,
        shadow=_shadow_of(mirror, courier),
        canary=mirror.canary,
        waiting_problem=mirror.waiting,
        jobs_problem=foreman.problem,
    )
    try:
        write_note(state, settings.attendant_file)
    except OSError as error:
        log.warning("state not written", extra={"reason": str(error)})


def _shadow_of(mirror: "Mirror", courier: "Courier") -> ShadowState | None:
    if mirror.bad_shadow is not None:
        version, problem = mirror.bad_shadow
        return ShadowState(version=version, problem=problem)
    return courier.shadow.state if courier.shadow else None


class Courier:
    """Moves recorded predictions into the SQL store, and the shadow's beside them.

    Attributes:
        shadow: what scores beside production; None before the store was opened.
        problem: why the store did not take them last time; empty when it did.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.problem = ""
        self.shadow: Shadow | None = None
        self._settings = settings
        self._relay: Relay | None = None

    def run(self, stopping: threading.Event) -> None:
        """Move again and again until `stopping`, then once more; wait longer while the database is away."""
        pause = self._settings.relay_seconds
        while not stopping.wait(pause):
            pause = self._settings.relay_seconds if self.move() else min(2 * pause, LONGEST_PAUSE_SECONDS)
        self.move()

    def move(self) -> bool:
        """Move everything that is there now; False when that did not work, and `problem` says why."""
        try:
            self._relay = self._relay or self._open()
            report = self._relay.run_once()
        except (StoreError, OSError) as error:
            if str(error) != self.problem:
                log.warning("database away: predictions wait in the spool", extra={"reason": str(error)})
            self.problem = str(error)
            return False
        except Exception as error:  # the thread must outlive it: without it nothing is ever stored again
            self.problem = f"something unexpected happened ({type(error).__name__}): the log knows where"
            log.exception("relay stumbled")
            return False
        if report.bad or report.torn:
            log.error("spool lines set aside", extra={"bad": report.bad, "torn": report.torn})
        self.problem = ""
        return True

    def _open(self) -> "Relay":
        from churn.stores.database import (  # noqa: PLC0415  as in _mirror
            open_migrated,
        )
        from churn.stores.predictions import PredictionStore  # noqa: PLC0415
        from churn.stores.relay import Relay  # noqa: PLC0415
        from services.shadow import Shadow, ShadowedStore  # noqa: PLC0415

        engine = open_migrated(self._settings.database_url)
        self.shadow = Shadow(self._settings)
        return Relay(self._settings.spool_folder, ShadowedStore(PredictionStore(engine), self.shadow))


if __name__ == "__main__":
    main()
