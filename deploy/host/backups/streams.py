"""What a command writes, into a file of this host with its digest; and a file into a command."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deploy.host.environment import ROOT
from deploy.host.failure import HostError

CHUNK_BYTES = 1 << 20
LEVEL = 1
"""Of gzip: what is kept compresses well, and time on a serving host costs more than a few percent of disk."""

LAST_WORDS = 2000


@dataclass(frozen=True)
class Written:
    """A file of a backup.

    Attributes:
        size: in bytes.
        sha256: of what is in it.
    """

    size: int
    sha256: str


class _Digesting:
    """A file that knows the digest of what was written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._sha256, self.size = file, hashlib.sha256(), 0

    def write(self, block: bytes) -> int:
        self._sha256.update(block)
        self.size += len(block)
        return self._file.write(block)

    def flush(self) -> None:
        self._file.flush()

    @property
    def written(self) -> Written:
        return Written(self.size, self._sha256.hexdigest())


def save(command: Sequence[str], path: Path, *, fine: Iterable[int] = (0,)) -> Written:
    """Run a command and keep what it writes; a name that ends in `.gz` is compressed.

    Args:
        command: whose output it is.
        path: of the file; it is on the disk when this returns.
        fine: exit statuses that are no failure.

    Raises:
        HostError: the command failed, or the disk took no more.
    """
    with tempfile.TemporaryFile() as said, _opened(command, stdout=subprocess.PIPE, stderr=said) as source:
        try:
            written = _written(source.stdout, path)
        except OSError as error:
            source.kill()
            raise HostError(f"{path} can't be written: {error.strerror or error}") from error
        _require(source, path, said, fine)
    return written


def feed(path: Path, command: Sequence[str]) -> None:
    """Give a file to a command; one whose name ends in `.gz` is expanded.

    Raises:
        HostError: the command failed, or the file can't be read.
    """
    with tempfile.TemporaryFile() as said, _opened(command, stdin=subprocess.PIPE, stdout=said, stderr=said) as sink:
        try:
            _fed(path, sink.stdin)
        except BrokenPipeError:
            pass  # the command ended before the file did: its exit status says why
        except (OSError, EOFError) as error:
            sink.kill()
            raise HostError(f"{path} can't be read: {error}") from error
        _require(sink, path, said, (0,))


def answer(*command: str, given: str = "") -> str:
    """Return what a command prints, without white space at both ends.

    Args:
        command: with its words.
        given: what it reads.

    Raises:
        HostError: it failed; its last words are in the message.
    """
    done = subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HostError(f"`{_short(command)}` failed: {(done.stderr or done.stdout).strip()[-LAST_WORDS:]}")
    return done.stdout.strip()


def digest_of(path: Path) -> Written:
    """Return the size and the digest of a file that is there."""
    sha256, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(CHUNK_BYTES):
            sha256.update(block)
            size += len(block)
    return Written(size, sha256.hexdigest())


def _opened(command: Sequence[str], **ends: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=ROOT, **{"stdin": subprocess.DEVNULL, **ends})


def _written(source: IO[bytes] | None, path: Path) -> Written:
    assert source is not None  # noqa: S101  it is a pipe
    with path.open("wb") as file:
        digesting = _Digesting(file)
        if path.name.endswith(".gz"):
            with gzip.GzipFile("", "wb", LEVEL, digesting, mtime=0) as packed:
                shutil.copyfileobj(source, packed, CHUNK_BYTES)
        else:
            shutil.copyfileobj(source, digesting, CHUNK_BYTES)
        file.flush()
        os.fsync(file.fileno())
        return digesting.written


def _fed(path: Path, sink: IO[bytes] | None) -> None:
    assert sink is not None  # noqa: S101  it is a pipe
    with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file, sink:
        shutil.copyfileobj(file, sink, CHUNK_BYTES)


def _require(process: subprocess.Popen[bytes], path: Path, said: IO[bytes], fine: Iterable[int]) -> None:
    status = process.wait()
    if status not in fine:
        said.seek(0)
        words = said.read().decode(errors="replace").strip()[-LAST_WORDS:]
        raise HostError(f"{path.name}: the command gave exit status {status}: {words or 'it said nothing'}")


def _short(command: Sequence[str]) -> str:
    """A command as a message shows it: without the limits that a container is run with."""
    words = [word for word in command if not word.startswith("-")]
    return " ".join([*words[:2], "…", *words[-2:]] if len(words) > 4 else words)[:300]
