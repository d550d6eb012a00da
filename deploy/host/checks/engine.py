"""Every service as the engine sees it."""

from __future__ import annotations  # hosts may have Python 3.9

from collections.abc import Iterator
from functools import partial

from deploy.host.checks.check import Check, WrongError, eventually, require
from deploy.host.checks.installation import Installation
from deploy.host.services import seen

SLOW_SECONDS = 30.0

RUNBOOKS = {
    "postgres": "docs/runbooks/ChurnStoreDown.md",
    "mariadb": "docs/runbooks/ChurnStoreDown.md",
    "mlflow": "docs/runbooks/ChurnRegistryDown.md",
    "bento": "docs/runbooks/ChurnDoorDown.md",
    "fastapi": "docs/runbooks/ChurnDoorDown.md",
    "front": "docs/runbooks/ChurnFrontDown.md",
    "worker": "docs/runbooks/ChurnJobsWait.md",
    "scheduler": "docs/runbooks/ChurnStageStale.md",
    "redis": "docs/runbooks/ChurnNeighbourDown.md",
    "reports": "docs/runbooks/ChurnNeighbourDown.md",
    "exporter": "docs/runbooks/ChurnExporterDown.md",
    "prometheus": "docs/runbooks/ChurnWatchdog.md",
    "alertmanager": "docs/runbooks/ChurnAlertmanagerDown.md",
}
"""Service → what to read when it is away; of the others the log says most."""


def of_engine(at: Installation) -> Iterator[Check]:
    """Yield one check for each service of the active profiles."""
    for name in at.services:
        yield Check(f"{name}: the engine says that it is well", partial(_look, at, name), remedy_of(name))


def remedy_of(service: str) -> str:
    """Return what to do when a service is away."""
    more = f", and {RUNBOOKS[service]}" if service in RUNBOOKS else ""
    return f"`docker-compose logs --tail 50 {service}`, then `docker-compose up -d {service}`{more}"


def _look(at: Installation, name: str) -> None:
    """Wait for one that runs, whose health check may have been slow; not for one that does not."""
    found = seen(at.project).get(name)
    if not found or found.status != "running":
        at.away.add(name)
    eventually(partial(_require_well, at.project, name), seconds=at.patience(SLOW_SECONDS, name))


def _require_well(project: str, name: str) -> None:
    found = seen(project).get(name)
    if found is None:
        raise WrongError("it was never started")
    require(found.is_well, f"it is {found.words}")
