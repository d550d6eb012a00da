"""Leases: at most one process does a thing at a time, also when a holder dies."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from churn.errors import ConflictError, StoreError
from churn.scoring.prediction import utc_text
from churn.stores.tables import leases
from churn.stores.transactions import database_now, database_now_text, reading, writing

log = logging.getLogger(__name__)

KEPT_SECONDS = 180.0
BEATS = 6
"""How often a kept lease is extended in its time: a database may be away for a while."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do `name` until it expires. Its fencing token is greater than that of every holder before."""

    name: str
    owner: str
    fencing_token: int
    _engine: Engine

    def check(self) -> None:
        """Make sure that the lease is still held; call it right before the step that can't be undone.

        Raises:
            ConflictError: it has expired, or another took it.
        """
        query = select(leases.c.owner, leases.c.fencing_token, leases.c.expires_at).where(leases.c.name == self.name)
        with reading(self._engine) as connection:
            found, now = connection.execute(query).one(), database_now_text(connection)
        if found.fencing_token != self.fencing_token:
            raise ConflictError(f"the lease {self.name!r} of {self.owner} was taken over by {found.owner}: start again")
        if found.expires_at <= now:
            raise ConflictError(f"the lease {self.name!r} of {self.owner} ended at {found.expires_at}: start again")

    def extend(self, seconds: float) -> None:
        """Hold it for so long from now, as its holder who is at work for longer than he said.

        Raises:
            ConflictError: another took it meanwhile.
        """
        is_ours = (leases.c.name == self.name) & (leases.c.fencing_token == self.fencing_token)
        with writing(self._engine) as connection:
            until = utc_text(database_now(connection) + timedelta(seconds=seconds))
            if not connection.execute(update(leases).where(is_ours).values(expires_at=until)).rowcount:
                raise ConflictError(f"the lease {self.name!r} of {self.owner} was taken over: start again")


@contextmanager
def hold_lease(engine: Engine, name: str, *, owner: str, seconds: float) -> Iterator[Lease]:
    """Hold a lease while the block runs; an expired one may be taken from a holder that died.

    Args:
        engine: a migrated database.
        name: what is leased, for example 'promote:churn'.
        owner: who holds it, for the message that others get.
        seconds: after this time others may take it, whether the block has ended or not.

    Raises:
        ConflictError: another holds it; the message says who, and until when.
    """
    with writing(engine) as connection:
        token = _take(connection, name, owner, seconds)
    lease = Lease(name, owner, token, engine)
    try:
        yield lease
    finally:
        _release(lease, engine)


@contextmanager
def kept_lease(engine: Engine, name: str, *, owner: str, seconds: float = KEPT_SECONDS) -> Iterator[Lease]:
    """Hold a lease during the block, however long that takes; it is free soon after its holder died.

    Raises:
        ConflictError: another holds it; the message says who.
    """
    ended = threading.Event()
    with hold_lease(engine, name, owner=owner, seconds=seconds) as lease:
        thread = threading.Thread(target=_keep, args=(lease, seconds, ended), name="lease", daemon=True)
        thread.start()
        try:
            yield lease
        finally:
            ended.set()
            thread.join()


def _keep(lease: Lease, seconds: float, ended: threading.Event) -> None:
    while not ended.wait(seconds / BEATS):
        try:
            lease.extend(seconds)
        except ConflictError:
            return
        except StoreError as error:
            log.warning("lease not extended", extra={"lease": lease.name, "reason": str(error)})


def _take(connection: Connection, name: str, owner: str, seconds: float) -> int:
    now = database_now(connection)
    values = {"owner": owner, "expires_at": utc_text(now + timedelta(seconds=seconds))}
    is_free = (leases.c.name == name) & (leases.c.expires_at <= utc_text(now))
    grown = update(leases).where(is_free).values(fencing_token=leases.c.fencing_token + 1, **values)
    took = connection.execute(grown).rowcount == 1 or _is_first(connection, {"name": name, **values})
    found = connection.execute(select(leases).where(leases.c.name == name)).one()
    if not took:
        raise ConflictError(f"{name!r} is held by {found.owner} until {found.expires_at}: try again after that")
    token: int = found.fencing_token
    return token


def _is_first(connection: Connection, lease: dict[str, str]) -> bool:
    # A refused key means the same on every database; the row count of "insert or ignore" does not.
    try:
        with connection.begin_nested():
            connection.execute(insert(leases), {**lease, "fencing_token": 1})
    except IntegrityError:
        return False
    return True


def _release(lease: Lease, engine: Engine) -> None:
    is_ours = (leases.c.name == lease.name) & (leases.c.fencing_token == lease.fencing_token)
    try:
        with writing(engine) as connection:
            connection.execute(update(leases).where(is_ours).values(expires_at=database_now_text(connection)))
    except StoreError as error:
        # What the block did is done: the lease ends by itself.
        log.warning("lease not released", extra={"lease": lease.name, "reason": str(error)})
