"""A lease that is kept for as long as the work takes, and free soon after its holder died."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from churn.errors import ConflictError, StoreError
from churn.stores.leases import Lease, hold_lease

log = logging.getLogger(__name__)

SECONDS = 180.0
BEATS = 6
"""How often it is extended in that time: a database may be away for a while."""


@contextmanager
def kept_lease(engine: Engine, name: str, *, owner: str, seconds: float = SECONDS) -> Iterator[Lease]:
    """Hold a lease during the block, however long that takes; `Lease.check` says whether it was lost.

    Raises:
        ConflictError: another holds it; the message says who.
    """
    ended = threading.Event()
    with hold_lease(engine, name, owner=owner, seconds=seconds) as lease:
        thread = threading.Thread(target=_extend, args=(lease, seconds, ended), name="lease", daemon=True)
        thread.start()
        try:
            yield lease
        finally:
            ended.set()
            thread.join()


def _extend(lease: Lease, seconds: float, ended: threading.Event) -> None:
    while not ended.wait(seconds / BEATS):
        try:
            lease.extend(seconds)
        except ConflictError:
            return
        except StoreError as error:
            log.warning("lease not extended", extra={"lease": lease.name, "reason": str(error)})
