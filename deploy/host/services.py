"""The services of docker-compose.yml: which run with which profile, and how the engine says that they are."""

from __future__ import annotations  # hosts may have Python 3.9

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.host.containers import docker, ids
from deploy.host.failure import HostError

PROFILES = {
    "core": ("postgres", "mlflow", "migrate", "bento", "fastapi", "front", "worker", "scheduler"),
    "mysql": ("mariadb",),
    "redis": ("redis",),
    "monitoring": ("exporter", "reports", "prometheus", "alertmanager"),
    "grafana": ("grafana",),
    "demo": ("traffic",),
}
"""Profile → its services; a test holds it against docker-compose.yml, whose profiles compose 1.29 does not tell."""

ONE_SHOT = ("migrate",)
"""They are well when they have ended well."""

PUBLISHED = {
    "front": "HOLDFAST_FRONT_PORT",
    "mlflow": "HOLDFAST_MLFLOW_PORT",
    "prometheus": "HOLDFAST_PROMETHEUS_PORT",
    "alertmanager": "HOLDFAST_ALERTMANAGER_PORT",
    "grafana": "HOLDFAST_GRAFANA_PORT",
    "reports": "HOLDFAST_REPORTS_PORT",
}
"""Service → the variable of its port on this host."""


@dataclass(frozen=True)
class Service:
    """One service, as the engine sees its container.

    Attributes:
        status: created, running, restarting, exited, dead, paused.
        health: healthy, unhealthy, starting; empty when it has no health check.
        exit_code: of the last end.
        last_words: of its health check; empty when there are none.
    """

    name: str
    id: str
    status: str
    health: str = ""
    exit_code: int = 0
    last_words: str = ""

    @property
    def is_well(self) -> bool:
        """It runs and is healthy, or it has ended well and was to end."""
        if self.name in ONE_SHOT:
            return self.status == "exited" and self.exit_code == 0
        return self.status == "running" and self.health in {"", "healthy"}

    @property
    def words(self) -> str:
        """How it is, for people."""
        if self.status == "exited":
            return "done" if self.is_well else f"exited with status {self.exit_code}"
        said = f": {self.last_words}" if self.health == "unhealthy" and self.last_words else ""
        return f"{self.health or self.status}{said}"


def active(settings: Mapping[str, str]) -> tuple[str, ...]:
    """Return the services of the profiles that `.env` names.

    Raises:
        HostError: it names none, or one that is not there.
    """
    names = [name.strip() for name in settings.get("COMPOSE_PROFILES", "").split(",") if name.strip()]
    if unknown := [name for name in names if name not in PROFILES]:
        raise HostError(f"COMPOSE_PROFILES in .env names {', '.join(unknown)}; there are {', '.join(PROFILES)}")
    if "core" not in names:
        raise HostError("COMPOSE_PROFILES in .env has no `core`: without it nothing predicts; add it")
    return tuple(service for profile, services in PROFILES.items() if profile in names for service in services)


def seen(project: str) -> dict[str, Service]:
    """Return the project's services that have a container, by name; those of `docker-compose run` are left out.

    Args:
        project: COMPOSE_PROJECT_NAME.
    """
    found = ids(project)
    if not found:
        return {}
    services = [_service(one) for one in json.loads(docker("inspect", *found))]
    return {one.name: one for one in services}


def _service(told: Mapping[str, Any]) -> Service:
    state = told["State"]
    health = state.get("Health") or {}
    said = [one["Output"] for one in health.get("Log") or () if one.get("Output")]
    return Service(
        name=told["Config"]["Labels"]["com.docker.compose.service"],
        id=told["Id"],
        status=state["Status"],
        health=health.get("Status", "").replace("none", ""),
        exit_code=state["ExitCode"],
        last_words=" ".join(said[-1].split())[-200:] if said else "",
    )
