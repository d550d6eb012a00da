"""The manifest: what a backup holds, of which installation, and the digest of each of its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from deploy.host.backups.streams import Written, digest_of
from deploy.host.failure import HostError

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says.

    Attributes:
        began: when the backup was begun, in UTC: every prediction that was acknowledged before is in it.
        ended: when it was complete.
        project: the compose project that it is of.
        profiles: that were active, by comma.
        settings: what `.env` said that is no secret.
        store: `postgres` or `mariadb`: which of the two holds the churn store.
        artifacts: `volume`, or the address of the object store that keeps them: they are not in the backup then.
        schemas: revision of each database's tables.
        servers: version of each database server.
        images: what each service ran, by its name and its id.
        predictions: how many were in the churn store when it was dumped, at least.
        moves: rows of the log of moves, likewise.
        spooled: segments of the doors' spools, by home: what was in them may not have been in SQL.
        is_settled: no alias was moved while the databases were dumped, so that log and registry agree.
        is_anchored: `anchor.json` seals the log's end; without it nothing was logged yet.
        has_secrets: `.env` is in it.
        unpacked_bytes: what it takes when it is restored, about.
        files: each with its size and its digest.
    """

    began: str
    ended: str
    project: str
    profiles: str
    settings: Mapping[str, str]
    store: str
    artifacts: str
    schemas: Mapping[str, str]
    servers: Mapping[str, str]
    images: Mapping[str, str]
    predictions: int
    moves: int
    spooled: Mapping[str, list[str]]
    is_settled: bool
    is_anchored: bool
    has_secrets: bool
    unpacked_bytes: int
    files: Mapping[str, Written] = field(default_factory=dict)
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Write it into the backup's folder."""
        (folder / NAME).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a backup.

        Raises:
            HostError: the folder holds none, or one that this version can't read.
        """
        told = _document(folder)
        if told.get("format") != FORMAT:
            raise HostError(
                f"{folder / NAME} has format {told.get('format')!r}, and this version reads {FORMAT}: "
                "restore with the version that made the backup"
            )
        try:
            files = {name: Written(**each) for name, each in told.pop("files").items()}
            return cls(files=files, **{name: told[name] for name in _names() if name != "files"})
        except (KeyError, TypeError, AttributeError) as error:
            raise HostError(f"{folder / NAME} is damaged ({error!r}): take another backup") from error

    def verify(self, folder: Path) -> None:
        """Hold every file against its size and digest.

        Raises:
            HostError: a file is missing, cut off, longer, or has other bytes; each is named.
        """
        wrong = [words for name, expected in sorted(self.files.items()) if (words := _wrong(folder / name, expected))]
        if wrong:
            raise HostError(f"{folder} is damaged, and nothing was touched: {'; '.join(wrong)}. Take another backup")


def _document(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HostError(f"{folder} is no complete backup: it has no {NAME}. `make backup` makes one") from error
    except (OSError, ValueError) as error:
        raise HostError(f"{folder / NAME} can't be read ({error}): take another backup") from error
    if not isinstance(told, dict):
        raise HostError(f"{folder / NAME} is damaged: it holds no object. Take another backup")
    return told


def _names() -> list[str]:
    return [each.name for each in fields(Manifest)]


def _wrong(path: Path, expected: Written) -> str:
    if not path.is_file():
        return f"{path.name} is missing"
    if path.stat().st_size != expected.size:
        return f"{path.name} has {path.stat().st_size:,} bytes instead of {expected.size:,}"
    return "" if digest_of(path) == expected else f"{path.name} was changed: another sha256"
