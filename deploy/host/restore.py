"""`python3 -m deploy.host restore`: a backup becomes an installation again, and shows that it is the one it was.

Nothing is touched before every file was held against its digest and the installation was found to fit and to be empty.
"""

from __future__ import annotations  # hosts may have Python 3.9

import argparse
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from deploy.host import environment, up
from deploy.host.backups.installation import Installation
from deploy.host.backups.making import SECRETS
from deploy.host.backups.manifest import Manifest
from deploy.host.backups.proofs import prove
from deploy.host.backups.returning import Return
from deploy.host.backups.siblings import command, make_sibling
from deploy.host.failure import HostError


def options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--from", dest="folder", type=Path, required=True, help="the folder that `make backup` wrote")
    parser.add_argument("--project", metavar="NAME", help="into a second installation of this name, beside this one")
    parser.add_argument("--folder", dest="beside", type=Path, help="of the second installation; default: ../NAME")
    parser.add_argument("--prove", action="store_true", help="only look at an installation that was restored before")


def run(arguments: argparse.Namespace) -> int:
    """Restore, start everything, and prove it.

    Returns:
        0 when every proof holds, 1 when one does not.

    Raises:
        HostError: the backup is damaged, or the installation does not fit or is in use; or a step failed.
    """
    folder = arguments.folder.resolve()
    manifest = Manifest.read(folder)
    manifest.verify(folder)
    print(f"{folder}: {len(manifest.files)} files are as they were written at {manifest.ended}", flush=True)
    if arguments.project:
        return _restore_beside(folder, manifest, arguments)
    if not arguments.prove:
        _restore(folder, manifest)
    print("the proof:", flush=True)
    if not all(proof.holds for proof in prove(manifest, folder)):
        raise HostError("the installation runs, and is not what was backed up: what FAILED above says in what")
    print(f"restored: everything of {manifest.began} is there. Now `make smoke`")
    return 0


def _restore(folder: Path, manifest: Manifest) -> None:
    _take_secrets(folder, manifest)
    installation = Installation.here()
    if objections := [*misfits(installation, manifest)]:
        raise HostError(f"nothing was touched: {'; '.join(objections)}")
    up.prepare(installation.values)
    back = Return(installation, folder, manifest)
    back.require_room()
    back.bring()
    up.run(_plain_up())


def _restore_beside(folder: Path, manifest: Manifest, arguments: argparse.Namespace) -> int:
    beside = (arguments.beside or environment.ROOT.parent / arguments.project).resolve()
    secrets = folder / SECRETS if manifest.has_secrets else None
    make_sibling(beside, arguments.project, manifest=manifest, secrets=secrets)
    print(f"the second installation is the folder {beside}: a copy of this tree with a .env of its own", flush=True)
    command(beside, "restore", "--from", str(folder))
    print(f"to use it: `cd {beside}`, then make and docker-compose as here")
    return 0


def misfits(installation: Installation, manifest: Manifest) -> Iterator[str]:
    """Say what of an installation does not fit a backup."""
    if installation.store != manifest.store:
        wanted = manifest.profiles or "core"
        yield (
            f"the backup's churn store is in {manifest.store}, and .env names {installation.store}: "
            f"delete .env and run `make secrets PROFILES={wanted}`"
        )
    if installation.artifacts != manifest.artifacts:
        yield (
            f"the backup's artifacts are in {manifest.artifacts}, and .env names {installation.artifacts}: "
            f"set HOLDFAST_ARTIFACTS{'=' + manifest.artifacts if manifest.artifacts != 'volume' else ' to nothing'}"
        )
    if model := _another(installation, manifest, "HOLDFAST_MODEL"):
        yield f"the backup's model is {model}, and .env names another: set HOLDFAST_MODEL={model}"
    for database, revision in manifest.schemas.items():
        if not installation.knows(database, revision):
            yield (
                f"the tables of {database} are of a newer version (revision {revision}): "
                "restore with the version that made the backup, or a later one"
            )


def _another(installation: Installation, manifest: Manifest, name: str) -> str:
    """Return what the backup's `.env` said, when it is not what this one says."""
    said = manifest.settings.get(name, "")
    return said if said != installation.values.get(name, said) else ""


def _take_secrets(folder: Path, manifest: Manifest) -> None:
    """A new host has the secrets of the old one when the backup holds them."""
    if environment.FILE.exists() or not manifest.has_secrets:
        return
    os.umask(0o077)
    shutil.copyfile(folder / SECRETS, environment.FILE)
    print(".env was missing: it is the backup's now, secrets, ports and network as they were")


def _plain_up() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    up.options(parser)
    return parser.parse_args([])
