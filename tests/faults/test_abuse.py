"""Clients that send too much, or too slowly: through the front, and at the doors themselves."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil
import pytest

from churn.contract.contract import Contract
from tests.faults.amounts import amount
from tests.faults.conftest import Rig
from tests.faults.load import OpenLoad
from tests.faults.tally import counted, tell

pytestmark = pytest.mark.slow

RATE = 30.0
MOST_GROWTH_MEGABYTES = 150
CLOSED_SECONDS = 15.0
PIECE = b"x" * 65_536


@dataclass
class Reply:
    """What came back for too much.

    Attributes:
        status: 0 when the connection was closed without an answer.
        sent_bytes: what the client could get rid of before.
    """

    status: int
    sent_bytes: int
    seconds: float


def send(port: int, pieces: Iterator[bytes]) -> Reply:
    """Send pieces until the other side answers or closes."""
    began, sent = time.monotonic(), 0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
                sent += len(piece)
                if _has_answer(connection):
                    break
        status = _status(connection)
    return Reply(status, sent, time.monotonic() - began)


def _has_answer(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return len(connection.recv(1, socket.MSG_PEEK)) >= 0
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(20)


def _status(connection: socket.socket) -> int:
    try:
        line = connection.recv(4096).split(b"\r\n")[0].split()
    except OSError:
        return 0
    return int(line[1]) if len(line) > 1 else 0


def head(path: str, *lines: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "host: a", "content-type: application/json", *lines, "", ""]).encode()


def endless_body() -> Iterator[bytes]:
    """A gigabyte in chunks of unknown number."""
    yield head("/predict", "transfer-encoding: chunked")
    for _ in range(1 << 14):
        yield b"10000\r\n" + PIECE + b"\r\n"


def announced_gigabyte() -> Iterator[bytes]:
    yield head("/predict", f"content-length: {1 << 30}")
    for _ in range(1 << 14):
        yield PIECE


def bomb() -> Iterator[bytes]:
    body = gzip.compress(bytes(200 << 20))
    yield head("/predict", "content-encoding: gzip", f"content-length: {len(body)}") + body


def deep_json() -> Iterator[bytes]:
    body = b'{"tenure":' * 10_000 + b"1" + b"}" * 10_000
    yield head("/predict", f"content-length: {len(body)}") + body


def form_of_many_fields() -> Iterator[bytes]:
    body = b"".join(b'--f\r\ncontent-disposition: form-data; name="a%d"\r\n\r\n1\r\n' % each for each in range(1_200))
    body += b"--f--\r\n"
    lines = ["POST /predict/batch HTTP/1.1", "host: a", "content-type: multipart/form-data; boundary=f"]
    yield "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


def many_columns() -> Iterator[bytes]:
    table = ",".join(f"column{each}" for each in range(100_000)).encode() + b"\n"
    lines = ["POST /predict/batch HTTP/1.1", "host: a", "content-type: text/csv", f"content-length: {len(table)}"]
    yield "\r\n".join([*lines, "", ""]).encode() + table


def long_head() -> Iterator[bytes]:
    yield head("/predict", *(f"x-{each}: {'y' * 1000}" for each in range(64)), "content-length: 2") + b"{}"


ABUSES: tuple[Callable[[], Iterator[bytes]], ...] = (
    endless_body, announced_gigabyte, bomb, deep_json, form_of_many_fields, many_columns, long_head,
)  # fmt: skip
REFUSALS = {
    "endless_body": {413}, "announced_gigabyte": {413}, "bomb": {413, 415}, "deep_json": {400, 413, 422},
    "form_of_many_fields": {400, 413, 415, 422}, "many_columns": {400, 413, 422}, "long_head": {400, 422, 431},
}  # fmt: skip


@pytest.mark.parametrize("abuse", ABUSES, ids=lambda abuse: abuse.__name__)
def test_who_sends_too_much_is_refused_at_once_and_costs_little_memory(
    rig: Rig, telco: Contract, abuse: Callable[[], Iterator[bytes]]
) -> None:
    with memory_of(rig) as memory, load_on(rig, telco, abuse.__name__) as load:
        replies = [send(port, abuse()) for port in (rig.bento.port, rig.fallback.port, rig.front.port)]

    assert {reply.status for reply in replies} <= REFUSALS[abuse.__name__], replies
    assert max(reply.sent_bytes for reply in replies) < 16 << 20
    assert max(reply.seconds for reply in replies) < 3.0
    assert memory.growth_megabytes < MOST_GROWTH_MEGABYTES
    tell("T11", f"too much: {abuse.__name__.replace('_', ' ')}", faults=len(replies), **counted([load]),
         memory_growth_megabytes=round(memory.growth_megabytes))  # fmt: skip


def test_a_body_in_chunks_of_one_byte_is_a_body(rig: Rig, telco: Contract) -> None:
    body = json.dumps(telco.example).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    request = head("/predict", "transfer-encoding: chunked") + chunks

    statuses = [send(port, iter([request])).status for port in (rig.bento.port, rig.fallback.port, rig.front.port)]

    assert statuses == [200, 200, 200]


def test_clients_that_are_slow_on_purpose_are_closed_and_nobody_else_notices(rig: Rig, telco: Contract) -> None:
    count = amount("slow sockets") // len(SLOW)
    with memory_of(rig) as memory, load_on(rig, telco, "slow") as load:
        crowds = [Crowd(rig.front.port, kind, count) for kind in SLOW]
        for crowd in crowds:
            crowd.start()
        for crowd in crowds:
            crowd.join()

    closed = {crowd.kind: crowd.closed_seconds for crowd in crowds}
    assert all(len(found) == count for kind, found in closed.items() if kind != "drip body"), closed
    worst = max(max(found) for kind, found in closed.items() if kind != "drip body")
    assert worst <= CLOSED_SECONDS
    assert memory.growth_megabytes < MOST_GROWTH_MEGABYTES
    tell(
        "T12", "sockets that send nothing, half a head, a drip, or do not read", faults=count * len(SLOW),
        **counted([load]), worst_closed_seconds=round(worst, 1), p99_milliseconds=round(load.milliseconds(99)),
    )  # fmt: skip


SLOW: dict[str, bytes] = {
    "no byte": b"",
    "half a head": b"POST /predict HTTP/1.1\r\nhost: a\r\n",
    "drip head": b"POST /predict HTTP/1.1\r\nx-long: ",
    "drip body": head("/predict", "content-length: 1000"),
    "no reading": b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: a\r\n\r\n" * 4,
}
"""What a slow client sends at first; those that drip send a letter each second."""


class Crowd(threading.Thread):
    """Sockets of one kind; how long each was held open."""

    def __init__(self, port: int, kind: str, count: int) -> None:
        super().__init__(daemon=True)
        self.kind, self.closed_seconds = kind, list[float]()
        self._sockets = [self._open(port) for _ in range(count)]

    def run(self) -> None:
        began = time.monotonic()
        left = list(self._sockets)
        while left and time.monotonic() - began < CLOSED_SECONDS + 2:
            time.sleep(1)
            still = [each for each in left if self._is_open(each)]
            self.closed_seconds += [time.monotonic() - began] * (len(left) - len(still))
            left = still
        for each in self._sockets:
            each.close()

    def _open(self, port: int) -> socket.socket:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.connect(("127.0.0.1", port))
        made.sendall(SLOW[self.kind])
        return made

    def _is_open(self, each: socket.socket) -> bool:
        try:
            if self.kind.startswith("drip"):
                each.sendall(b"x")
            if self.kind == "no reading":
                return _state(each) == psutil.CONN_ESTABLISHED
            each.setblocking(False)
            return bool(each.recv(4096))
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            each.setblocking(True)


def _state(each: socket.socket) -> str:
    """Whether the other side has closed, without reading what it sent before."""
    info = each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return psutil.CONN_ESTABLISHED if info[0] == 1 else psutil.CONN_CLOSE


@contextmanager
def load_on(rig: Rig, contract: Contract, name: str) -> Iterator[OpenLoad]:
    """Ordinary customers meanwhile, none of whom may notice."""
    load = OpenLoad(rig.front.port, [contract.example], name=name, rate=RATE).start()
    time.sleep(0.5)
    yield load
    time.sleep(0.5)
    load.finish()
    assert load.failed == {}
    assert load.breaks == 0


@dataclass
class Memory:
    """The most that any worker grew while it was watched."""

    growth_megabytes: float = 0.0
    stopping: threading.Event = field(default_factory=threading.Event)


@contextmanager
def memory_of(rig: Rig) -> Iterator[Memory]:
    """Watch the resident memory of all workers."""
    watched = [(each, each.memory_info().rss) for door in (rig.bento, rig.fallback) for each in door.worker_processes()]
    memory = Memory()

    def watch() -> None:
        while not memory.stopping.wait(0.05):
            grown = max(each.memory_info().rss - before for each, before in watched)
            memory.growth_megabytes = max(memory.growth_megabytes, grown / 2**20)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield memory
    memory.stopping.set()
    thread.join()
