"""`python3 -m deploy.host backup`: everything that an installation knows, into a folder, while it serves."""

from __future__ import annotations

import argparse
import os
from datetime import datetime, timezone
from pathlib import Path

from deploy.host import environment
from deploy.host.backups import copies
from deploy.host.backups.databases import Server
from deploy.host.backups.installation import Installation
from deploy.host.backups.making import Backup
from deploy.host.backups.manifest import Manifest
from deploy.host.failure import HostError


def options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--to", type=Path, help="the folder to write; default: backups/<time in UTC>")
    parser.add_argument("--keep", type=int, metavar="N", help="afterwards delete all but the newest N beside it")
    parser.add_argument("--with-secrets", action="store_true", help="put .env into it: then whoever has it has all")


def run(arguments: argparse.Namespace) -> int:
    """Make a backup, complete or not at all.

    Raises:
        HostError: something could not be kept; nothing is left behind.
    """
    if arguments.keep is not None and arguments.keep < 1:
        raise HostError(f"--keep {arguments.keep} would delete the backup that is made: give 1 or more")
    began = datetime.now(timezone.utc)  # noqa: UP017  as in copies
    folder = (arguments.to or environment.ROOT / "backups" / copies.name_of(began)).resolve()
    os.umask(0o077)
    installation = Installation.here()
    backup = Backup(installation, installation.volumes(), Server.of(installation.store), Server.of("postgres"))
    copies.require_space(folder.parent, backup.needed())
    with copies.making(folder) as partial:
        manifest = backup.make(partial, began, with_secrets=arguments.with_secrets)
        manifest.write(partial)
    _tell(folder, manifest)
    for old in copies.forget(folder.parent, arguments.keep) if arguments.keep else ():
        print(f"deleted {old}: --keep {arguments.keep}")
    return 0


def _tell(folder: Path, manifest: Manifest) -> None:
    size = sum(each.size for each in manifest.files.values())
    spooled = sum(map(len, manifest.spooled.values()))
    print(
        f"{folder}: {copies.said(size)}, {manifest.predictions:,} predictions, {spooled} segments of the doors' spools"
    )
    if manifest.artifacts != "volume":
        print(f"NOT in it: the artifacts at {manifest.artifacts}. Keep their versions there (docs/backup.md)")
    if manifest.has_secrets:
        print("SECRETS are in it (environment): whoever reads this folder can do everything. Keep it encrypted")
    else:
        print("Secrets are not in it: keep .env elsewhere, or a restore makes new ones (docs/backup.md)")
