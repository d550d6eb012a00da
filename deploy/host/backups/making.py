"""A backup while it is made. The order of its steps is what its promises rest on.

The log is sealed and the doors' spools are packed first, then the databases are dumped, the churn store before MLflow,
then files are packed that never change once a row names them. So every prediction that was acknowledged before the
backup began is in it, and so is the version that made it, with its artifacts.
"""

from __future__ import annotations

import re
import shutil
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from deploy.host import environment
from deploy.host.backups import copies
from deploy.host.backups.databases import OURS, Server
from deploy.host.backups.installation import Installation
from deploy.host.backups.manifest import Manifest
from deploy.host.backups.streams import Written, digest_of, save
from deploy.host.backups.volumes import HOMES, KEPT, Volumes
from deploy.host.compose import program

ROOM = 1.05
"""Of what is there: a backup is compressed, and what does not compress has a little to grow."""

LEAST_BYTES = 64 << 20
TRIES = 3
SEAL = "churn audit seal --out /tmp/anchor.json >&2 && cat /tmp/anchor.json"
SEGMENT = re.compile(r"^.+-[0-9]+-[0-9]+\.jsonl$")
SECRETS = "environment"
"""What `.env` is called in a backup."""


@dataclass
class Backup:
    """One backup while it is made.

    Attributes:
        installation: that is kept.
        volumes: that it has.
        store: the server of the churn store.
        postgres: the server of the other databases.
        files: what was written so far.
        measured: bytes of each database and volume, before.
    """

    installation: Installation
    volumes: Volumes
    store: Server
    postgres: Server
    files: dict[str, Written] = field(default_factory=dict)
    measured: dict[str, int] = field(default_factory=dict)

    def needed(self) -> int:
        """Return how much room it may take, in bytes."""
        databases = {name: self._server(name).size(name) for name in OURS}
        self.measured = {**databases, **self.volumes.sizes(self._volumes())}
        return int(ROOM * sum(self.measured.values())) + LEAST_BYTES

    def make(self, folder: Path, began: datetime, *, with_secrets: bool) -> Manifest:
        """Fill the folder, in the order that the module's docstring gives."""
        is_anchored = self._seal(folder)
        spooled = self._pack_spools(folder)
        counts = {table: self.store.count("churn", table) for table in ("predictions", "promotions")}
        is_settled = self._dump(folder)
        self._pack(folder)
        if with_secrets:
            self._keep_secrets(folder)
        services = dict.fromkeys((self.store, self.postgres))
        return Manifest(
            began=began.isoformat(timespec="seconds"),
            ended=datetime.now(timezone.utc).isoformat(timespec="seconds"),  # noqa: UP017  as in copies
            project=self.installation.project,
            profiles=self.installation.profiles,
            settings=self.installation.settings,
            store=self.store.service,
            artifacts=self.installation.artifacts,
            schemas=self.installation.schemas(),
            servers={server.service: server.version() for server in services},
            images=self.installation.images(),
            predictions=counts["predictions"],
            moves=counts["promotions"],
            spooled=spooled,
            is_settled=is_settled,
            is_anchored=is_anchored,
            has_secrets=with_secrets,
            unpacked_bytes=sum(self.measured.values()),
            files=self.files,
        )

    def _seal(self, folder: Path) -> bool:
        """Seal the log before it is dumped: what is restored must at least reach to there."""
        if self.store.count("churn", "log_head") == 0:
            return False
        run = ["run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", "worker", "-c", SEAL]
        self._keep(folder / "anchor.json", partial(save, [*program(), *run]))
        return True

    def _pack_spools(self, folder: Path) -> dict[str, list[str]]:
        for home in HOMES:
            self._keep(folder / f"spool-{home}.tar.gz", partial(self.volumes.pack_spool, home))
        return {home: _members(folder / f"spool-{home}.tar.gz") for home in HOMES}

    def _dump(self, folder: Path) -> bool:
        """Dump until no alias was moved meanwhile: then log and registry agree; False: one always was."""
        for _ in range(TRIES):
            before = self.store.count("churn", "promotions")
            for name in OURS:
                server = self._server(name)
                path = folder / f"{name}.{server.suffix()}"
                self._keep(path, partial(server.dump, name))
            if self.store.count("churn", "promotions") == before:
                return True
            print("  a version was moved meanwhile")
        print("  versions are moved all the time: `churn reconcile` will have something to mend after a restore")
        return False

    def _pack(self, folder: Path) -> None:
        for volume in self._volumes():
            self._keep(folder / f"{volume}.tar.gz", partial(self.volumes.pack, volume))

    def _keep_secrets(self, folder: Path) -> None:
        def copy(path: Path) -> Written:
            shutil.copyfile(environment.FILE, path)
            path.chmod(0o600)
            return digest_of(path)

        self._keep(folder / SECRETS, copy)

    def _keep(self, path: Path, write: Callable[[Path], Written]) -> None:
        began = time.monotonic()
        written = self.files[path.name] = write(path)
        print(f"  {path.name:<24} {copies.said(written.size):>10}  {time.monotonic() - began:5.1f} s", flush=True)

    def _volumes(self) -> list[str]:
        return [name for name in KEPT if name != "artifacts" or self.installation.artifacts == "volume"]

    def _server(self, database: str) -> Server:
        return self.store if database == "churn" else self.postgres


def _members(path: Path) -> list[str]:
    """Return the names of the segments in a packed spool; what was rejected lies beside them and stays there."""
    with tarfile.open(path) as packed:
        names = (each.name.rsplit("/", 1)[-1] for each in packed if each.isfile())
        return sorted(name for name in names if SEGMENT.match(name))
