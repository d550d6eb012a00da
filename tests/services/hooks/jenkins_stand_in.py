"""A loopback server in Jenkins' place: it keeps what it was asked, and answers what it is told to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


@dataclass
class JenkinsStandIn:
    """What was asked of it.

    Attributes:
        asked: path, authorisation and form of each request.
    """

    url: str = ""
    status: int = 201
    asked: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)


@contextmanager
def jenkins_stand_in() -> Iterator[JenkinsStandIn]:
    """Listen on a free port."""
    jenkins = JenkinsStandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers.get("content-length", 0))).decode())
            jenkins.asked.append((self.path, self.headers.get("authorization", ""), form))
            self.send_response(jenkins.status)
            self.send_header("location", f"{jenkins.url}/queue/item/7/")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        jenkins.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield jenkins
        server.shutdown()
