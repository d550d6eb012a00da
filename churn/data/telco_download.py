"""IBM's Telco customer file from its public address: resumed when it breaks off, proven by its digest."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from churn.errors import DownloadError

TELCO_URL = "https://raw.githubusercontent.com/IBM/telco-customer-churn-on-icp4d/master/data/Telco-Customer-Churn.csv"
TELCO_SHA256 = "16320c9c1ec72448db59aa0a26a0b95401046bef5d02fd3aeb906448e3055e91"
TELCO_NAME = "Telco-Customer-Churn.csv"

INSTEAD = "use `--data FILE` with a copy that you have, or make customers with `churn data sample`"
PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that another try may change."""

Progress = Callable[[int, int | None], None]
"""Told the bytes that are here, and the bytes of the whole file when the server says so."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a download is tried before it fails."""

    attempts: int = 4
    pause_seconds: float = 0.5
    """Before the second attempt; doubled before each further one."""
    timeout_seconds: float = 10.0
    """For connecting, and for each wait for more bytes."""


def fetch_telco(
    folder: Path,
    *,
    url: str = TELCO_URL,
    sha256: str = TELCO_SHA256,
    patience: Patience = Patience(),
    progress: Progress = lambda _here, _whole: None,
) -> Path:
    """Return the file's path in `folder`; download it unless it is already there and right.

    A download that broke off stays as `.part` and is resumed, now or at the next call.

    Raises:
        DownloadError: The address can't be reached or refuses, the content is not the pinned one, or the folder
            can't be written.
    """
    target = folder / TELCO_NAME
    try:
        if not (target.is_file() and _digest(target) == sha256):
            folder.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f"{TELCO_NAME}.part")
            _Download(url, part, patience, progress).run(sha256)
            part.replace(target)
    except OSError as error:
        raise DownloadError(f"can't write {target}: {error.strerror or error}; choose another folder") from error
    return target


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _BrokenOffError(Exception):
    """This attempt failed in a way that the next may not."""


@dataclass(frozen=True, slots=True)
class _Download:
    url: str
    part: Path
    patience: Patience
    progress: Progress

    def run(self, sha256: str) -> None:
        """Fill the part file until it is whole and right."""
        resumed = self.part.exists()
        if resumed and _digest(self.part) == sha256:
            return
        self._fill()
        if resumed and _digest(self.part) != sha256:  # the part may have been of another file: once more from zero
            self.part.unlink()
            self._fill()
        found = _digest(self.part)
        if found != sha256:
            self.part.unlink()
            raise DownloadError(
                f"{self.url} is not the expected file: sha256 {found} instead of {sha256}; removed; {INSTEAD}"
            )

    def _fill(self) -> None:
        reason = ""
        for attempt in range(self.patience.attempts):
            if attempt:
                time.sleep(self.patience.pause_seconds * 2 ** (attempt - 1))
            try:
                return self._append()
            except (httpx.TransportError, _BrokenOffError) as error:
                reason = str(error) or type(error).__name__
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise DownloadError(f"can't download {self.url}: {error}; {INSTEAD}") from error
        raise DownloadError(
            f"can't download {self.url} ({self.patience.attempts} attempts): {reason}; when offline, {INSTEAD}"
        )

    def _append(self) -> None:
        """Ask for what is missing; a server that doesn't know ranges sends all, and the part begins anew."""
        here = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={here}-"} if here else {})}
        with (
            httpx.Client(timeout=self.patience.timeout_seconds, follow_redirects=True) as client,
            client.stream("GET", self.url, headers=headers) as answer,
        ):
            self._check(answer)
            here = here if answer.status_code == httpx.codes.PARTIAL_CONTENT else 0
            self._write(answer, here)

    def _check(self, answer: httpx.Response) -> None:
        status = f"HTTP {answer.status_code} {answer.reason_phrase}".strip()
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            self.part.unlink(missing_ok=True)
            raise _BrokenOffError(f"{status}: nothing is left to resume")
        if answer.status_code in PASSING_STATUS:
            raise _BrokenOffError(status)
        if answer.status_code not in {httpx.codes.OK, httpx.codes.PARTIAL_CONTENT}:
            raise DownloadError(f"{self.url} answered {status}; {INSTEAD}")

    def _write(self, answer: httpx.Response, here: int) -> None:
        length = answer.headers.get("Content-Length", "")
        whole = here + int(length) if length.isdigit() else None
        with self.part.open("ab" if here else "wb") as file:
            self.progress(here, whole)
            for piece in answer.iter_bytes():
                file.write(piece)
                here += len(piece)
                self.progress(here, whole)
