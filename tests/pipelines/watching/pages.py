"""Pages of metrics as doors write them, made by hand, and a door that shows one."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf

from churn.metric_page import Page, read_page
from pipelines.watching.diary import Diary

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, inf)


@dataclass(frozen=True)
class Shown:
    """What a door has counted since it began.

    Attributes:
        serves: the version it serves.
        scored: seconds that customers took to be scored, by version.
        failed: customers that could not be scored, by version.
        statuses: of answers to POST /predict.
    """

    serves: int = 1
    scored: dict[int, list[float]] = field(default_factory=dict)
    failed: dict[int, int] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    quarantined: int = 0
    in_hand: int = 1
    canary_share: float = 0.0

    def text(self) -> str:
        route = 'door="fastapi",route="/predict",method="POST"'
        lines = [
            f'churn_model_info{{door="fastapi",name="churn",version="{self.serves}",digest="d"}} 1.0',
            f"churn_bundles_quarantined {self.quarantined}",
            f'churn_canary_share{{door="fastapi"}} {self.canary_share}',
            f'churn_http_requests_in_flight{{door="fastapi"}} {self.in_hand}',
            *(f'churn_http_requests_total{{{route},status="{each}"}} {n}' for each, n in self.statuses.items()),
            *(
                f'churn_version_failures_total{{door="fastapi",model_version="{v}"}} {n}'
                for v, n in self.failed.items()
            ),
        ]
        for version, seconds in self.scored.items():
            named = f'door="fastapi",model_version="{version}"'
            lines.append(f'churn_predictions_total{{{named},risk_level="LOW"}} {len(seconds)}')
            for bound in BOUNDS:
                le = "+Inf" if bound == inf else str(bound)
                count = sum(each <= bound for each in seconds)
                lines.append(f'churn_version_scoring_duration_seconds_bucket{{{named},le="{le}"}} {count}')
        return "\n".join(lines) + "\n"

    def page(self) -> Page:
        return read_page(self.text())

    def after(self, version: int, seconds: Sequence[float], *, failed: int = 0, **statuses: int) -> "Shown":
        """What it shows when these were scored too; statuses as s200=3."""
        more = {int(name[1:]): count for name, count in statuses.items()} or {200: len(seconds), 500: failed}
        return replace(
            self,
            serves=version,
            scored={**self.scored, version: [*self.scored.get(version, []), *seconds]},
            failed={**self.failed, version: self.failed.get(version, 0) + failed},
            statuses={each: self.statuses.get(each, 0) + more.get(each, 0) for each in {*self.statuses, *more}},
        )


USUAL = Shown(serves=1).after(1, [0.0008] * 450 + [0.004] * 50)
"""Version 1 has served 500 customers."""


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def watched(
    first: Shown | None, looks: Sequence[Shown | None], *, every: float = 1.0, is_beside: bool = False
) -> Diary:
    """A diary of version 2, held against version 1, at one door; None: it is silent."""
    clock = Clock()
    diary = Diary(2, 1, is_beside=is_beside, clock=clock)
    diary.begin({"door": first.page() if first else None})
    for look in looks:
        clock.now += every
        diary.note({"door": look.page() if look else None})
    return diary


class Door:
    """A real address that answers with a page, which may be changed; it counts how often it was asked."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.shown = USUAL
        self.asked = 0
        self.tell: Callable[[], str] | None = None

    def show(self) -> str:
        """Return the page: what `tell` says, when somebody set it."""
        self.asked += 1
        return self.tell() if self.tell else self.shown.text()


@contextmanager
def open_door() -> Iterator[Door]:
    """Open one at a free port."""
    door: Door

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = door.show().encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    door = Door(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
