"""A second installation on this host: a copy of the tree with a name, a network, ports and secrets of its own."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from deploy.host import environment
from deploy.host.backups.manifest import Manifest
from deploy.host.failure import HostError

NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,40}$")
STATE = frozenset({".git", ".venv", ".env", "var", "backups", "mlruns", "mlflow.db"})
"""What lies in the root and is this installation's own."""

MADE = shutil.ignore_patterns("__pycache__", ".*_cache", "*.egg-info")
OWN = re.compile(r"^(COMPOSE_PROJECT_NAME|HOLDFAST_NET|HOLDFAST_[A-Z]+_PORT)$")
"""Variables that two installations on one host can't share."""

IMAGES = ("HOLDFAST_TAG", "HOLDFAST_BUILD_NETWORK")
"""Variables that are about this host's images, whatever the backup's host had."""

PORTS = ("FRONT", "MLFLOW", "PROMETHEUS", "ALERTMANAGER", "GRAFANA", "REPORTS")


def make_sibling(folder: Path, name: str, *, manifest: Manifest, secrets: Path | None) -> None:
    """Copy the tree and write its `.env`; nothing is started.

    Args:
        folder: to make.
        name: of its compose project.
        manifest: of the backup that it is for: it has the same profiles.
        secrets: the `.env` of the backup; None: new ones are made.

    Raises:
        HostError: the name can't be one, or there is such a folder.
    """
    if not NAME.match(name):
        raise HostError(f"{name!r} can't be the name of a project: small letters, digits, - and _")
    if folder.exists():
        raise HostError(f"{folder} is there already: go on in it with `make restore FROM=…`, or give --folder")
    shutil.copytree(environment.ROOT, folder, symlinks=True, ignore=_left_behind)
    environment.write(_variables(name, manifest, secrets), folder / ".env")
    command(folder, "secrets", "--profiles", manifest.profiles)


def command(folder: Path, *words: str) -> None:
    """Run a command of the host for the installation in a folder, with none of this one's variables.

    Raises:
        HostError: it failed; what it said is above.
    """
    done = subprocess.run([sys.executable, "-m", "deploy.host", *words], cwd=folder, env=_clean(), check=False)
    if done.returncode:
        raise HostError(f"`python3 -m deploy.host {' '.join(words)}` failed in {folder}: what it said is above")


def _left_behind(folder: str, names: list[str]) -> set[str]:
    own = set(names) & STATE if Path(folder) == environment.ROOT else set()
    return own | MADE(folder, names)


def _variables(name: str, manifest: Manifest, secrets: Path | None) -> dict[str, str]:
    kept = environment.parse(secrets.read_text(encoding="utf-8")) if secrets else manifest.settings
    ports = dict(zip((f"HOLDFAST_{one}_PORT" for one in PORTS), map(str, free_ports(len(PORTS)))))  # noqa: B905  3.9
    shared = {each: value for each, value in kept.items() if not OWN.match(each)}
    here = {each: value for each, value in _here().items() if each in IMAGES}
    return {**shared, **here, "COMPOSE_PROJECT_NAME": name, "COMPOSE_PROFILES": manifest.profiles, **ports}


def _here() -> dict[str, str]:
    """What this tree's installation was told; nothing when it has no `.env`."""
    return environment.read() if environment.FILE.is_file() else {}


def free_ports(count: int) -> Sequence[int]:
    """Return ports that nobody listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in held]
    _close(held)
    return ports


def _close(held: Iterable[socket.socket]) -> None:
    for each in held:
        each.close()


def _clean() -> Mapping[str, str]:
    mine = _here()
    return {name: value for name, value in os.environ.items() if name not in mine}  # noqa: TID251  for a child
