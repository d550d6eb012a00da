"""Bodies: how much a client may send, and how long that may take."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from services.api.access import Body

CLOSE = {"connection": "close"}
"""Who sends too much, or too slowly, is not read to the end."""

SWEEP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """What one kind of body may be.

    Attributes:
        most_bytes: in all.
        most_seconds: from the request's head to the last byte; None: as long as it takes.
    """

    most_bytes: int
    most_seconds: float | None = None


BodyLimits = Mapping[Body, BodyLimit]


class Patience:
    """Ends the wait for bodies that drip. One timer for all: one for each would cost as much as reading most bodies."""

    def __init__(self) -> None:
        self._awaited: set[IncomingBody] = set()
        self._is_sweeping = False

    def watch(self, body: "IncomingBody") -> None:
        """Begin to watch."""
        self._awaited.add(body)
        if not self._is_sweeping:
            self._is_sweeping = True
            asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def forget(self, body: "IncomingBody") -> None:
        """End watching."""
        self._awaited.discard(body)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for body in tuple(self._awaited):
            body.expire(loop.time())
        self._is_sweeping = bool(self._awaited)
        if self._is_sweeping:
            loop.call_later(SWEEP_SECONDS, self._sweep)


class IncomingBody:
    """Counts what a client really sends: the announced length may be absent or a lie."""

    __slots__ = ("_is_late", "_is_timed", "_late_at", "_left", "_limit", "_patience", "_receive", "_task")

    def __init__(self, receive: Receive, limit: BodyLimit, patience: Patience) -> None:
        self._receive = receive
        self._limit, self._left = limit, limit.most_bytes
        self._patience = patience
        self._is_timed = limit.most_seconds is not None
        self._late_at: float | None = None
        self._is_late = False
        self._task: asyncio.Task[object] | None = None

    async def receive(self) -> Message:
        """Return the next part of the request.

        Raises:
            HTTPException: 413, the body is too large; 408, it takes too long.
        """
        message = await (self._receive_in_time() if self._is_timed else self._receive())
        if not message.get("more_body", False):
            self._is_timed = False  # what is awaited from now on is the client's leaving
        self._left -= len(message.get("body", b""))
        self.require_less(self._limit.most_bytes - self._left)
        return message

    def require_less(self, size: int) -> None:
        """Refuse a body of this many bytes when they are too many.

        Raises:
            HTTPException: 413.
        """
        if size > self._limit.most_bytes:
            raise HTTPException(413, f"the body is larger than {self._limit.most_bytes:,} bytes", headers=CLOSE)

    def expire(self, now: float) -> None:
        """End the wait if it is too long."""
        if self._late_at is None:
            self._late_at = now + (self._limit.most_seconds or 0.0)
        if now >= self._late_at and self._task is not None:
            self._is_late = True
            self._task.cancel()

    async def _receive_in_time(self) -> Message:
        self._task = asyncio.current_task()
        self._patience.watch(self)
        try:
            return await self._receive()
        except asyncio.CancelledError:
            if not self._is_late or self._task is None:
                raise
            self._task.uncancel()
            seconds = self._limit.most_seconds
            raise HTTPException(408, f"the body did not arrive within {seconds:g} seconds", headers=CLOSE) from None
        finally:
            self._patience.forget(self)
            self._task = None


def require_plain(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a body that is compressed.

    Raises:
        HTTPException: 415.
    """
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise HTTPException(415, "send the body without Content-Encoding", headers={"accept-encoding": "identity"})
