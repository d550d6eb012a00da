import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from services.wire import WIRE, Joined, OneWriteProtocol

BODY = b"x" * 10


async def _answers(scope: Scope, receive: Receive, send: Send) -> None:
    """`/empty` has no content, `/parts` has three parts, `/reads` reads first, `/head-only` breaks off."""
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path == "/reads":
        await receive()
    status, length = (204, b"0") if path == "/empty" else (200, b"30" if path == "/parts" else b"10")
    headers = [] if path == "/empty" else [(b"content-length", length)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for _ in range(2 if path == "/parts" else 0):
        await send({"type": "http.response.body", "body": BODY, "more_body": True})
    if path != "/head-only":
        await send({"type": "http.response.body", "body": b"" if path == "/empty" else BODY})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(_answers, log_config=None, lifespan="off", **WIRE))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()
    listening.close()


def exchange(port: int, sent: bytes) -> bytes:
    """Everything that comes until the server closes, or half a second passes."""
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
        connection.sendall(sent)
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
        except TimeoutError:
            pass
    return received


def request(path: str, *, method: str = "GET", more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nhost: here\r\n{more}\r\n".encode()


@pytest.mark.parametrize(
    ("sent", "heads", "end"),
    [
        (request("/"), 1, b"\r\n\r\n" + BODY),
        (request("/", method="HEAD"), 1, b"content-length: 10\r\n\r\n"),
        (request("/empty"), 1, b"\r\n\r\n"),
        (request("/parts"), 1, b"\r\n\r\n" + 3 * BODY),
        (request("/") + request("/parts") + request("/"), 3, b"\r\n\r\n" + BODY),
        (request("/", more="connection: close\r\n"), 1, b"\r\n\r\n" + BODY),
        (request("/head-only"), 1, b"\r\n\r\n"),
    ],
)
def test_every_kind_of_answer_arrives_whole(port: int, sent: bytes, heads: int, end: bytes) -> None:
    received = exchange(port, sent)

    assert received.count(b"HTTP/1.1 ") == heads
    assert received.endswith(end)


def test_a_client_that_asks_first_is_told_to_go_on_before_it_is_answered(port: int) -> None:
    head = request("/reads", method="POST", more="content-length: 3\r\nexpect: 100-continue\r\n")

    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        received = connection.recv(1000)

    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(BODY)


class Noted:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, part: bytes) -> None:
        self.writes.append(part)

    def close(self) -> None:
        self.writes.append(b"closed")


def test_head_and_body_are_one_write_and_further_parts_one_each() -> None:
    noted = Noted()
    joined = Joined(noted)  # type: ignore[arg-type]

    for part in (b"HTTP/1.1 200 OK\r\n\r\n", b"one", b"two"):
        joined.write(part)

    assert noted.writes == [b"HTTP/1.1 200 OK\r\n\r\none", b"two"]


def test_a_head_without_a_body_leaves_before_the_connection_is_closed() -> None:
    noted = Noted()
    joined = Joined(noted)  # type: ignore[arg-type]

    joined.write(b"HTTP/1.1 200 OK\r\n\r\n")
    joined.close()

    assert noted.writes == [b"HTTP/1.1 200 OK\r\n\r\n", b"closed"]


def test_both_doors_use_it() -> None:
    assert WIRE["http"] is OneWriteProtocol
