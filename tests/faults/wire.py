"""HTTP/1.1 by hand: the bytes of a request that no library would send, and the answer to it."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

BODILESS = frozenset({204, 304})
IDLE_SECONDS = 3.0
"""Doors close a connection that is idle for 5 s; who reuses one just then gets no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes
    is_kept: bool
    """The connection may be used again."""

    def json(self) -> Any:
        return json.loads(self.content)


class Wire:
    """One connection to a door at a time, opened when it is needed."""

    def __init__(self, port: int) -> None:
        self.opened = 0
        self._port = port
        self._used_at = 0.0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, sent: bytes, *, has_body: bool = True) -> Answer:
        """Send a request and read its answer.

        Raises:
            OSError, EOFError: the connection broke.
            ValueError: what came is no answer.
        """
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            await self.close()
        self._streams = self._streams or await self._open()
        reader, writer = self._streams
        try:
            writer.write(sent)
            answer = await read_answer(reader, has_body=has_body)
        except BaseException:
            writer.transport.abort()
            self._streams = None
            raise
        self._used_at = time.monotonic()
        if not answer.is_kept:
            await self.close()
        return answer

    async def close(self) -> None:
        if self._streams is None:
            return
        writer, self._streams = self._streams[1], None
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            return

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.opened += 1
        return await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)


async def read_answer(reader: asyncio.StreamReader, *, has_body: bool = True) -> Answer:
    """Read one answer.

    Args:
        reader: of the connection.
        has_body: False for the answer to HEAD.
    """
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(lines[0].split()[1])
    if status < 200:  # for example 100 Continue: the answer follows
        return await read_answer(reader, has_body=has_body)
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
    content = await _content(reader, headers) if has_body and status not in BODILESS else b""
    return Answer(status, headers, content, headers.get("connection", "").lower() != "close")


async def _content(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") == "chunked":
        return b"".join([piece async for piece in _chunks(reader)])
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return await reader.read()


async def _chunks(reader: asyncio.StreamReader) -> Any:
    while size := int((await reader.readline()).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
