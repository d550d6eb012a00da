"""A front before two doors of the test's own, which tell what they were sent."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from tests.faults.front import Front, require_nginx
from tests.postgres import free_port

SLOW_SECONDS = 2.5


@dataclass
class EchoDoor:
    """Answers each request with what it was sent, unless its mood is bad.

    Attributes:
        mood: well, slow (answers after some seconds), or rude (reads the request and closes the connection).
        seen: the requests, in order.
    """

    name: str
    mood: str = "well"
    seen: list[dict[str, Any]] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = None

    def open(self) -> "EchoDoor":
        config = uvicorn.Config(
            self._answer, port=self.port, interface="asgi3", log_level="critical", access_log=False,
            server_header=False, proxy_headers=False, lifespan="off", timeout_graceful_shutdown=0,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
        return self

    def close(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join()
            self._server = None

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, is_whole = b"", False
        while not is_whole:
            message = await receive()
            body += message.get("body", b"")
            is_whole = not message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        found = {"path": scope["path"], "method": scope["method"], "headers": headers, "bytes": len(body)}
        self.seen.append(found)
        if self.mood == "rude":
            self._hang_up(scope)
            return
        await asyncio.sleep(SLOW_SECONDS if self.mood == "slow" else 0)
        content = json.dumps(found).encode()
        told = {"x-served-by": self.name, "x-content-type-options": "nosniff", "content-length": str(len(content))}
        raw = [(name.encode(), value.encode()) for name, value in told.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    def _hang_up(self, scope: Scope) -> None:
        """Close the connection without an answer, as a process that dies does."""
        assert self._server is not None
        for protocol in list(self._server.server_state.connections):
            if tuple(scope["client"]) == tuple(protocol.client):  # type: ignore[union-attr]
                protocol.transport.abort()  # type: ignore[union-attr]


@pytest.fixture
def doors() -> Iterator[tuple[EchoDoor, EchoDoor]]:
    both = EchoDoor("bento").open(), EchoDoor("fastapi").open()
    yield both
    for each in both:
        each.close()


@pytest.fixture
def front(doors: tuple[EchoDoor, EchoDoor], tmp_path: Path) -> Iterator[Front]:
    require_nginx()
    opened = Front(tmp_path / "front", doors[0].port, doors[1].port)
    yield opened
    opened.stop()


@pytest.fixture
def many_sockets(front: Front) -> Iterator[list[socket.socket]]:
    opened = [socket.create_connection(("127.0.0.1", front.port)) for _ in range(256)]
    yield opened
    for each in opened:
        each.close()
