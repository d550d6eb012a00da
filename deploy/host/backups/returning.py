"""A restore while it is made: it can die at any step and be run again, until everything is started."""

from __future__ import annotations  # hosts may have Python 3.9

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.host.backups import copies
from deploy.host.backups.databases import OURS, Server
from deploy.host.backups.installation import Installation
from deploy.host.backups.manifest import Manifest
from deploy.host.backups.streams import answer
from deploy.host.backups.volumes import HOMES, KEPT, MARK, SPOOL, Volumes
from deploy.host.compose import answer_of
from deploy.host.failure import HostError
from deploy.host.readiness import wait_for

DATABASES = ("postgres", "mariadb")
KEEPERS = ("mlflow", "bento", "fastapi", "worker")
"""Services that have the volumes which a backup holds."""

MARK_VOLUME = "pipelines-home"
"""Has the mark while a restore is under way: what is in the volumes then is its own."""

PATIENCE_SECONDS = 180
HASHED = "import sys; from werkzeug.security import generate_password_hash as h; print(h(sys.stdin.read()))"


@dataclass(frozen=True)
class Return:
    """Brings one backup back into one installation.

    Attributes:
        installation: that is empty.
        folder: of the backup.
        manifest: of the backup.
    """

    installation: Installation
    folder: Path
    manifest: Manifest

    def require_room(self) -> None:
        """Look whether the volumes are empty, or this backup's own from a restore that died, and the disk takes it.

        Raises:
            HostError: they hold something else, or the disk is too small.
        """
        volumes = self.installation.volumes()
        used = set(volumes.used()) & {*KEPT, *DATABASES}
        mark = volumes.read(MARK_VOLUME, MARK)
        if used and mark != self._mark:
            begun = f"a restore of another backup ({mark}) was begun here" if mark else "this installation is in use"
            raise HostError(
                f"nothing was touched: {begun}: {', '.join(sorted(used))} of {self.installation.project} have data. "
                "Restore beside it with PROJECT=name, or delete everything that it has: `make down VOLUMES=delete`"
            )
        _require_disk(self.manifest.unpacked_bytes)

    def bring(self) -> None:
        """Fill volumes and databases; nothing but the databases runs meanwhile."""
        answer_of("stop")
        self._make_volumes()
        volumes = self.installation.volumes()
        volumes.write(MARK_VOLUME, MARK, self._mark)
        for volume in (each for each in KEPT if f"{each}.tar.gz" in self.manifest.files):
            _timed(volume, partial(self._fill, volumes, volume))
        self._start_databases()
        for database in OURS:
            server = self.installation.server_of(database)
            path = self.folder / f"{database}.{server.suffix()}"
            _timed(database, partial(server.restore, database, path))
        self._let_the_administrator_in()
        volumes.write(MARK_VOLUME, MARK, "")

    @property
    def _mark(self) -> str:
        return f"{self.manifest.project} {self.manifest.began}"

    def _fill(self, volumes: Volumes, volume: str) -> None:
        names = [f"{volume}.tar.gz", *([f"{SPOOL}-{volume}.tar.gz"] if volume in HOMES else [])]
        volumes.unpack(volume, *(self.folder / name for name in names))

    def _make_volumes(self) -> None:
        """Let compose make them, one service at a time: compose 1.29 would wait for others that nobody starts."""
        for service in (*self.installation.services, *KEEPERS):
            answer_of("up", "--no-start", "--no-deps", service)

    def _start_databases(self) -> None:
        """Start them; a first start makes the databases and their roles with the passwords of this `.env`."""
        answer_of("up", "-d", "--no-deps", *self.installation.services)
        wait_for(self.installation.services, self.installation.project, seconds=PATIENCE_SECONDS)
        for service in self.installation.services:
            self._require_not_older(Server.of(service))

    def _require_not_older(self, server: Server) -> None:
        dumped, found = self.manifest.servers[server.service], server.version()
        if int(found.split(".")[0]) < int(dumped.split(".")[0]):
            raise HostError(f"{server.service} is {found} here and was {dumped}: a dump does not go back. Use {dumped}")

    def _let_the_administrator_in(self) -> None:
        """MLflow's accounts come back with their passwords; the administrator's is the one of this `.env`."""
        image, password = self.installation.image("mlflow"), self.installation.values["HOLDFAST_MLFLOW_ADMIN_PASSWORD"]
        isolated = ["docker", "run", "--rm", "-i", "--network", "none", "--log-driver", "none"]
        hashed = answer(*isolated, "--entrypoint", "python", image, "-c", HASHED, given=password)
        sql = f"UPDATE users SET password_hash = '{hashed}' WHERE username = 'admin'"  # noqa: S608  letters, digits, $ and :
        Server.of("postgres").ask("mlflow_auth", sql)


def _require_disk(needed: int) -> None:
    folder = Path(answer("docker", "info", "--format", "{{.DockerRootDir}}"))
    if not folder.exists():
        return  # the engine is on another machine
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise HostError(
            f"the engine's disk ({folder}) has {copies.said(free)} free, and the backup takes {copies.said(needed)}: "
            "make room; nothing was touched"
        )


def _timed(name: str, act: Callable[[], object]) -> None:
    began = time.monotonic()
    act()
    print(f"  {name:<24} {time.monotonic() - began:5.1f} s", flush=True)
