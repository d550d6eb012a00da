"""Against a real HTTP server on the loopback address that misbehaves as it is told."""

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from churn.data.telco_download import TELCO_NAME, Patience, fetch_telco
from churn.errors import ChurnError, DownloadError

CONTENT = b"customerID,Churn\n" + b"7590-VHVEG,No\n" * 20_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
QUICK = Patience(attempts=3, pause_seconds=0.01, timeout_seconds=2)


@dataclass
class Origin:
    """A server of one file; each list entry spoils one request."""

    url: str = ""
    content: bytes = CONTENT
    knows_ranges: bool = True
    statuses: list[int] = field(default_factory=list)
    break_off_after: list[int] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    """What each request asked for."""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers["Range"]
        self.ranges.append(asked)
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            return self.send(handler, status, b"")
        if not (asked and self.knows_ranges):
            return self.send(handler, 200, self.content)
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(self.content):
            return self.send(handler, 416, b"")
        return self.send(handler, 206, self.content[start:])

    def send(self, handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: self.break_off_after.pop(0)] if self.break_off_after else body)


@pytest.fixture
def origin() -> Iterator[Origin]:
    it = Origin()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            it.answer(self)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        it.url = f"http://127.0.0.1:{server.server_port}/telco.csv"
        yield it
        server.shutdown()
        thread.join()


def fetch(origin: Origin, folder: Path) -> Path:
    return fetch_telco(folder, url=origin.url, sha256=SHA256, patience=QUICK)


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_is_downloaded_whole_and_nothing_else_is_left(origin: Origin, tmp_path: Path) -> None:
    path = fetch(origin, tmp_path / "new" / "data")

    assert path.read_bytes() == CONTENT
    assert files_in(path.parent) == [TELCO_NAME]


def test_a_file_that_is_there_and_right_is_not_asked_for_again(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / TELCO_NAME).write_bytes(CONTENT)

    assert fetch(origin, tmp_path) == tmp_path / TELCO_NAME
    assert origin.ranges == []


def test_a_file_that_is_there_and_wrong_is_replaced(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / TELCO_NAME).write_bytes(CONTENT[:-1])

    assert fetch(origin, tmp_path).read_bytes() == CONTENT


def test_a_download_that_breaks_off_goes_on_where_it_stopped(origin: Origin, tmp_path: Path) -> None:
    origin.break_off_after = [100_000]

    assert fetch(origin, tmp_path).read_bytes() == CONTENT
    first, second = origin.ranges
    assert first is None
    assert second == "bytes=100000-"


def test_a_part_of_an_earlier_call_is_resumed(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / f"{TELCO_NAME}.part").write_bytes(CONTENT[:1234])

    assert fetch(origin, tmp_path).read_bytes() == CONTENT
    assert origin.ranges == ["bytes=1234-"]


def test_a_part_that_is_whole_already_is_taken_without_asking(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / f"{TELCO_NAME}.part").write_bytes(CONTENT)

    assert fetch(origin, tmp_path).read_bytes() == CONTENT
    assert origin.ranges == []


def test_a_server_that_ignores_ranges_makes_the_part_begin_anew(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / f"{TELCO_NAME}.part").write_bytes(CONTENT[:1234])
    origin.knows_ranges = False

    assert fetch(origin, tmp_path).read_bytes() == CONTENT
    assert len(origin.ranges) == 1


@pytest.mark.parametrize("stale", [b"x" * 1234, b"x" * (len(CONTENT) + 1)], ids=["shorter", "longer"])
def test_a_part_of_another_file_is_thrown_away(origin: Origin, tmp_path: Path, stale: bytes) -> None:
    (tmp_path / f"{TELCO_NAME}.part").write_bytes(stale)

    assert fetch(origin, tmp_path).read_bytes() == CONTENT


def test_wrong_content_is_refused_with_both_digests_and_removed(origin: Origin, tmp_path: Path) -> None:
    origin.content = b"<html>log in to the hotel's network</html>"
    found = hashlib.sha256(origin.content).hexdigest()

    with pytest.raises(DownloadError, match=f"sha256 {found} instead of {SHA256}"):
        fetch(origin, tmp_path)
    assert files_in(tmp_path) == []


def test_a_server_that_stumbles_is_asked_again(origin: Origin, tmp_path: Path) -> None:
    origin.statuses = [500, 503]

    assert fetch(origin, tmp_path).read_bytes() == CONTENT
    assert len(origin.ranges) == 3


def test_a_server_that_keeps_failing_is_given_up_with_advice(origin: Origin, tmp_path: Path) -> None:
    origin.statuses = [500] * 9

    with pytest.raises(DownloadError, match=r"3 attempts.*HTTP 500.*--data FILE.*churn data sample"):
        fetch(origin, tmp_path)
    assert len(origin.ranges) == 3


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_not_asked_twice(origin: Origin, tmp_path: Path, status: int) -> None:
    origin.statuses = [status] * 9

    with pytest.raises(DownloadError, match=rf"answered HTTP {status}.*--data FILE"):
        fetch(origin, tmp_path)
    assert len(origin.ranges) == 1


def test_without_a_network_the_error_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"when offline, use `--data FILE`") as refused:
        fetch_telco(tmp_path, url="http://127.0.0.1:9/telco.csv", patience=QUICK)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("url", ["no address", "ftp://127.0.0.1/x", "http://[::1"])
def test_an_address_that_makes_no_sense_is_a_download_error(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match=re.escape(url)):
        fetch_telco(tmp_path, url=url, patience=QUICK)


def test_a_folder_that_is_a_file_is_named(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")

    with pytest.raises(ChurnError, match=r"can't write .*data.*choose another folder"):
        fetch(origin, tmp_path / "data")


def test_progress_tells_bytes_that_are_here_and_bytes_of_the_whole(origin: Origin, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    (tmp_path / f"{TELCO_NAME}.part").write_bytes(CONTENT[:1234])

    fetch_telco(
        tmp_path,
        url=origin.url,
        sha256=SHA256,
        patience=QUICK,
        progress=lambda here, whole: told.append((here, whole)),
    )

    assert told[0] == (1234, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [here for here, _ in told] == sorted(here for here, _ in told)
