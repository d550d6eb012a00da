"""The wire: what both doors ask of uvicorn."""

import asyncio
from typing import Any, TypedDict, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

CONTINUE = b"HTTP/1.1 100 "


class Joined:
    """One answer's way out: its head waits for the first part of its body, and both are one write, one packet."""

    __slots__ = ("_head", "_is_open", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._is_open = False

    def write(self, part: bytes) -> None:
        """Write a part; the first one is the head."""
        if self._is_open or part.startswith(CONTINUE):
            self._transport.write(part)
        elif self._head:
            self._is_open = True
            self._transport.write(self._head + part)
        else:
            self._head = part

    def close(self) -> None:
        """Write what waits, and close."""
        if self._head and not self._is_open:
            self.write(b"")
        self._transport.close()

    def is_closing(self) -> bool:
        """Say whether nothing can be written any more."""
        return self._transport.is_closing()


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with one call of the system for an answer where it makes two."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.scope["method"] != "HEAD":  # its answer has no body to wait for
            cycle.transport = cast("asyncio.Transport", Joined(cycle.transport))  # as much of one as a cycle uses
        super()._start_asgi_task(cycle, app)


class Wire(TypedDict):
    """Part of uvicorn's configuration."""

    access_log: bool
    http: type[OneWriteProtocol]
    proxy_headers: bool
    server_header: bool
    ws: str


WIRE: Wire = {
    "access_log": False,
    "http": OneWriteProtocol,
    "proxy_headers": False,  # it believes whoever connects from this machine; the guard knows whom to believe
    "server_header": False,
    "ws": "none",
}
