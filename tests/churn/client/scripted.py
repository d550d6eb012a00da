"""A real HTTP server that answers, hangs, breaks off or refuses, as a test says."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREDICTION = {
    "churn_probability": 0.78, "churn_prediction": 1, "risk_level": "HIGH", "customer_id": "A-1",
    "model_version": "3", "threshold": 0.3, "recommendations": ["Call."], "something_new": [1],
}  # fmt: skip
PROBLEM = {"title": "Refused", "detail": "1 field can't be used: see errors", "request_id": "r-1"}


@dataclass
class Received:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers.get("idempotency-key", "")


Reply = Callable[["Handler", Received], None]


@dataclass
class Script:
    """What a server has received, and what it does with the next request."""

    reply: Reply
    received: list[Received] = field(default_factory=list)
    url: str = ""

    @property
    def keys(self) -> list[str]:
        return [each.key for each in self.received]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(self.command, self.path, headers, body)
        self.script.received.append(received)
        self.script.reply(self, received)

    do_GET = do_POST = answer  # noqa: N815  the names that http.server calls

    def send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"content-length": str(len(raw)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def answers(content: Any = None, *, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Answer; a prediction with the request's own key unless something else is given."""

    def reply(handler: Handler, received: Received) -> None:
        found = {**PREDICTION, "prediction_id": received.key} if content is None else content
        handler.send(status, found, headers)

    return reply


def refuses(status: int, *, retry_after: str | None = None) -> Reply:
    headers = {"retry-after": retry_after} if retry_after else {}
    return answers({**PROBLEM, "status": status}, status=status, headers=headers)


def breaks_off(handler: Handler, _: Received) -> None:
    """Close the connection without a word."""
    handler.close_connection = True
    handler.connection.shutdown(2)


def hangs(seconds: float) -> Reply:
    def reply(handler: Handler, received: Received) -> None:
        time.sleep(seconds)
        answers()(handler, received)

    return reply


def in_turn(*replies: Reply) -> Reply:
    """Do one after the other, and the last again and again."""
    left = list(replies)

    def reply(handler: Handler, received: Received) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler, received)

    return reply


@contextmanager
def scripted(reply: Reply) -> Iterator[Script]:
    """Open a server at a free port."""
    script = Script(reply)
    server = Server(("127.0.0.1", 0), type("Scripted", (Handler,), {"script": script}))
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A client that left is no news."""
