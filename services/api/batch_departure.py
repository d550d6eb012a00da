"""Departure: noticing that a client has left while its answer is still being made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect
from starlette.types import Receive


class Watch:
    """Whether the client is still there: who left is not scored for."""

    def __init__(self) -> None:
        self._has_left = False

    async def look(self, receive: Receive) -> None:
        """Wait until the client leaves."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._has_left = True

    def require_client(self) -> None:
        """Stop when the client left.

        Raises:
            ClientDisconnect: it did.
        """
        if self._has_left:
            raise ClientDisconnect


@asynccontextmanager
async def watched(receive: Receive) -> AsyncIterator[Watch]:
    """Look out for the client's departure, once its body is received."""
    watch = Watch()
    looking = asyncio.create_task(watch.look(receive))  # a task group would wrap what is raised beside it
    try:
        yield watch
    finally:
        looking.cancel()
