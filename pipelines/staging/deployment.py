"""Deployment to staging: the alias moves, the door is started when it is not there, and is waited for.

Reads:  the version in the registry, the staging door's health.
Writes: the alias `staging`; a process with its log and note in `<home>/staging`.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from churn.errors import UnreachableError
from churn.stores.registry import STAGING, RegisteredBundle
from pipelines.moves import Order, give_alias, take_alias
from pipelines.settings import PipelineSettings
from pipelines.staging.door import StagingDoor

log = logging.getLogger(__name__)

ASK_SECONDS = 3.0
PAUSE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Staged:
    """How staging is.

    Attributes:
        version: that the door serves; None when it serves none.
        url: of the door; None when it does not run.
    """

    is_running: bool
    is_ready: bool
    version: int | None
    url: str | None
    log: str

    def as_members(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "running": self.is_running,
            "ready": self.is_ready,
            "version": self.version,
            "url": self.url,
            "log": self.log,
        }


def deploy(version: int, order: Order, *, kind: str, wait_seconds: float, settings: PipelineSettings) -> Staged:
    """Serve a version at the staging door; again for the same version changes nothing.

    Args:
        version: which.
        order: who wants it, and why.
        kind: of the door, bento or fastapi, when it has to be started.
        wait_seconds: for the door to serve it.
        settings: where the registry and the home are.

    Raises:
        NotFoundError: there is no such version.
        BundleError: its bundle is not what was registered.
        UnreachableError: the door does not serve it in time.
    """
    bundle = give_alias(STAGING, version, order, settings=settings)
    door = StagingDoor(settings)
    if not door.is_running():
        door.start(kind)
    _await_version(door, bundle, wait_seconds)
    log.info("staging serves", extra={"version": version})
    return look(settings)


def withdraw(order: Order, *, settings: PipelineSettings) -> RegisteredBundle | None:
    """Stop the staging door and take the alias away; return the version that had it. Again changes nothing."""
    StagingDoor(settings).stop()
    return take_alias(STAGING, order, settings=settings)


def look(settings: PipelineSettings) -> Staged:
    """Say how staging is now."""
    door = StagingDoor(settings)
    note = door.note() if door.is_running() else None
    model = _model(note.url) if note else {}
    return Staged(
        is_running=note is not None,
        is_ready=bool(model),
        version=int(model["version"]) if model else None,
        url=note.url if note else None,
        log=str(door.log),
    )


def _await_version(door: StagingDoor, bundle: RegisteredBundle, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while door.is_running() and time.monotonic() < deadline:
        note = door.note()
        model = _model(note.url) if note else {}
        if (model.get("version"), model.get("digest")) == (str(bundle.version), bundle.digest):
            return
        time.sleep(PAUSE_SECONDS)
    state = f"did not serve version {bundle.version} in {wait_seconds:g} s" if door.is_running() else "has ended"
    raise UnreachableError(f"the staging door {state}: {door.last_words()} (all of it: {door.log})")


def _model(url: str) -> Mapping[str, Any]:
    """Return what the door says that it serves; nothing while it does not answer."""
    try:
        found = httpx.get(f"{url}/api/v1/health", timeout=ASK_SECONDS).json()
    except (httpx.HTTPError, ValueError):
        return {}
    return found.get("model") or {} if isinstance(found, dict) else {}
