"""The files of an image: what `--check` compares. Times are left out, layers too: only what a container would see."""

from __future__ import annotations  # hosts may have Python 3.9

import hashlib
import subprocess
import tarfile
from typing import IO

from deploy.host.failure import HostError

MADE_BY_THE_ENGINE = {".dockerenv", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab"}


def differences(one: str, other: str) -> list[str]:
    """Return the paths whose kind, owner, mode or content is not the same in two images, in order."""
    left, right = files(one), files(other)
    return sorted(path for path in left.keys() | right.keys() if left.get(path) != right.get(path))


def files(image: str) -> dict[str, str]:
    """Return path → kind, mode, owner, target of a link, and digest of the content.

    Raises:
        HostError: there is no such image.
    """
    made = subprocess.run(["docker", "create", image, "none"], capture_output=True, text=True, check=False)
    if made.returncode:
        raise HostError(f"{image} can't be looked into: {made.stderr.strip()}")
    container = made.stdout.strip()
    try:
        with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:
            return listed(export.stdout)
    finally:
        subprocess.run(["docker", "rm", "--volumes", container], capture_output=True, check=False)


def listed(stream: IO[bytes] | None) -> dict[str, str]:
    """Return the same of a tar that is read once."""
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        return {one.name: _seen(archive, one) for one in archive if one.name not in MADE_BY_THE_ENGINE}


def _seen(archive: tarfile.TarFile, one: tarfile.TarInfo) -> str:
    content = archive.extractfile(one) if one.isreg() else None
    digest = hashlib.sha256(content.read()).hexdigest() if content else ""
    return f"{one.type!r} {one.mode:o} {one.uid}:{one.gid} {one.linkname} {digest}"
