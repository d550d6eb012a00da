"""`python -m deploy.supply scan` against a server that answers as OSV does, or does not."""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy.supply.__main__ import main

BROKEN = {
    "id": "GHSA-aaaa-bbbb-cccc",
    "aliases": ["CVE-2026-1"],
    "summary": "reads other people's files",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "broken"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}
OF_DEBIAN = {
    "id": "DEBIAN-CVE-2026-2",
    "upstream": ["CVE-2026-2"],
    "details": "an overflow",
    "affected": [
        {
            "package": {"ecosystem": "Debian:12", "name": "glibc"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }
    ],
}
MENDED = {
    **OF_DEBIAN,
    "id": "DSA-3",
    "affected": [
        {
            "package": {"ecosystem": "Debian:12", "name": "glibc"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.36-9+deb12u99"}]}],
        }
    ],
}


@dataclass
class Service:
    """Knows entries; asked of a package by name, it names all of them, one a page."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    mood: str = "well"
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if self.mood != "well":
            return (503, {}) if self.mood == "away" else (200, {"results": []})
        if path.startswith("/v1/vulns/"):
            return 200, next(one for one in self.entries if one["id"] == path.rpartition("/")[2])
        self.asked += body["queries"]
        return 200, {"results": [self._page(query) for query in body["queries"]]}

    def _page(self, query: dict[str, Any]) -> dict[str, Any]:
        known = [one["id"] for one in self.entries if one["affected"][0]["package"] == query["package"]]
        start = int(query.get("page_token", 0))
        if not known[start:]:
            return {}
        more = {"next_page_token": str(start + 1)} if known[start + 1 :] else {}
        return {"vulns": [{"id": known[start]}], **more}


@pytest.fixture
def service() -> Iterator[Service]:
    known = Service()

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            status, told = known.answer(self.path, json.loads(self.rfile.read(length) or b"{}"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        known.url = f"http://127.0.0.1:{server.server_port}"
        yield known
        server.shutdown()


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A lock with a broken package, and an image with the same one and with Debian's libc."""
    python = {"purl": "pkg:pypi/broken@1.0", "version": "1.0"}
    facts = {"debian:source": "glibc", "debian:source-version": "2.36-9", "debian:release": "12"}
    debian = {
        "purl": "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
        "properties": [{"name": name, "value": value} for name, value in facts.items()],
    }
    own = {"purl": "pkg:generic/holdfast@0.1.0"}
    for name, components in {"lock": [python], "serving": [python, debian, own]}.items():
        (tmp_path / f"{name}.cdx.json").write_text(json.dumps({"components": components}))
    return tmp_path


def scan(documents: Path, service: str, *, ignored: str = "ignored: []") -> tuple[int, str]:
    judged = documents / "ignored.yaml"
    judged.write_text(ignored)
    words = ["scan", "--folder", str(documents), "--ignored", str(judged), "--service", service]
    told = io.StringIO()
    with redirect_stdout(told), redirect_stderr(told), pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0), told.getvalue()


def judgement(until: str, name: str = "CVE-2026-1") -> str:
    entry = f"{{id: {name}, package: broken, reason: nobody calls that function here, until: {until}}}"
    return f"ignored: [{entry}]"


def test_where_nothing_is_known_the_scan_passes_and_says_of_how_much(documents: Path, service: Service) -> None:
    assert scan(documents, service.url) == (
        0,
        "2 packages: 0 findings to mend, 0 ignored, 0 no longer ignored; 0 of Debian's wait for Debian\n",
    )
    assert service.asked == [
        {"package": {"name": "glibc", "ecosystem": "Debian:12"}, "version": "2.36-9"},
        {"package": {"name": "broken", "ecosystem": "PyPI"}, "version": "1.0"},
    ]


def test_a_finding_fails_the_scan_with_what_mends_it_and_where_it_is(documents: Path, service: Service) -> None:
    service.entries = [BROKEN]

    status, told = scan(documents, service.url)

    assert status == 2
    assert "PyPI broken 1.0: GHSA-aaaa-bbbb-cccc CVE-2026-1: reads other people's files (mended in 1.1)" in told
    assert "in lock, serving" in told


def test_what_debian_has_not_mended_waits_and_what_it_has_fails(documents: Path, service: Service) -> None:
    service.entries = [OF_DEBIAN]
    status, told = scan(documents, service.url)
    assert (status, "1 of Debian's wait for Debian" in told) == (0, True)

    service.entries = [OF_DEBIAN, MENDED]
    status, told = scan(documents, service.url)
    assert (status, "DSA-3" in told, "deb12u99" in told) == (2, True, True)


def test_a_judged_finding_passes_until_its_day_and_then_fails(documents: Path, service: Service) -> None:
    service.entries = [BROKEN]

    status, told = scan(documents, service.url, ignored=judgement("2999-01-31"))
    assert (status, "ignored until 2999-01-31: CVE-2026-1" in told) == (0, True)

    status, told = scan(documents, service.url, ignored=judgement("2020-01-31"))
    assert (status, "no longer ignored since 2020-01-31" in told) == (2, True)

    service.entries = []
    assert scan(documents, service.url, ignored=judgement("2020-01-31"))[0] == 2


def test_a_judgement_without_a_finding_is_named(documents: Path, service: Service) -> None:
    status, told = scan(documents, service.url, ignored=judgement("2999-01-31", name="CVE-2026-9"))

    assert (status, "ignored and not found, remove it: CVE-2026-9" in told) == (0, True)


@pytest.mark.parametrize(
    ("ignored", "words"),
    [
        ("ignored: [{id: CVE-2026-1, package: broken, until: 2999-01-31}]", "reason"),
        ("ignored: [{id: CVE-2026-1, package: broken, reason: because I said so}]", "until"),
        ("", "does not hold"),
    ],
)
def test_a_judgement_needs_its_reason_and_its_day(documents: Path, service: Service, ignored: str, words: str) -> None:
    status, told = scan(documents, service.url, ignored=ignored)

    assert (status, words in told) == (1, True)


@pytest.mark.parametrize("mood", ["away", "answers nothing"])
def test_a_service_that_is_away_is_an_error_and_never_no_findings(documents: Path, service: Service, mood: str) -> None:
    service.mood = mood

    status, told = scan(documents, service.url)

    assert (status, service.url in told, "findings" in told) == (1, True, False)


def test_a_closed_port_and_a_folder_without_documents_are_errors(documents: Path, tmp_path: Path) -> None:
    status, told = scan(documents, "http://127.0.0.1:9")
    assert (status, "nothing was found out" in told) == (1, True)

    empty = tmp_path / "empty"
    empty.mkdir()
    status, told = scan(empty, "http://127.0.0.1:9")
    assert (status, "make sbom" in told) == (1, True)
