"""Who is told by Alertmanager: a webhook on loopback that keeps what it heard."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Heard:
    """One notice of one alert.

    Attributes:
        status: firing or resolved.
        at: seconds of the monotonic clock.
    """

    name: str
    status: str
    at: float


@dataclass(slots=True)
class Receiver:
    """Keeps every notice in the order that they came."""

    url: str
    heard: list[Heard] = field(default_factory=list)

    def has_heard(self, name: str, status: str, *, since: float = 0.0) -> bool:
        """Say whether a notice has come."""
        return any((one.name, one.status) == (name, status) and one.at >= since for one in self.heard)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on a free port."""
    receiver = Receiver("")

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            now = time.monotonic()
            receiver.heard += [Heard(one["labels"]["alertname"], one["status"], now) for one in body["alerts"]]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
