"""Who is told of alerts: a webhook on loopback that remembers each episode of each alert."""

import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Episode = tuple[str, str]
"""An alert's fingerprint, and when it began."""


@dataclass
class Receiver:
    """Listens from `open` to `close`.

    Attributes:
        fired: by alert, when each episode was first told of; seconds of the monotonic clock.
        ended: likewise, when it was first told of as resolved.
    """

    fired: dict[str, dict[Episode, float]] = field(default_factory=lambda: defaultdict(dict))
    ended: dict[str, dict[Episode, float]] = field(default_factory=lambda: defaultdict(dict))

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for alert in json.loads(body)["alerts"]:
                    receiver.take(alert)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def take(self, alert: dict[str, Any]) -> None:
        """Remember when an episode was first told of, and when first as resolved."""
        episodes = self.fired if alert["status"] == "firing" else self.ended
        episodes[alert["labels"]["alertname"]].setdefault((alert["fingerprint"], alert["startsAt"]), time.monotonic())

    def is_firing(self, name: str) -> bool:
        return bool(set(self.fired[name]) - set(self.ended[name]))

    def told_since(self, name: str, moment: float) -> list[Episode]:
        return [episode for episode, at in self.fired[name].items() if at >= moment]
