"""The kill matrix: each service of docker-compose.yml, how it is made to fail, and what has to be heard of it."""

from dataclasses import dataclass, field
from typing import Literal

from tests.faults.amounts import SETTINGS

Fault = Literal["kill", "stop", "pause"]
MEND: dict[Fault, str] = {"kill": "start", "stop": "start", "pause": "unpause"}
"""Fault → what ends it. A container that docker kills or stops is not started again by itself: that it is when its
program dies is a test of its own."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What has to happen while a service is away.

    Attributes:
        alert: that fires, and ends when the service is back.
        labels: that it has.
        answers: predictions go on, all of them.
        why: of a service that is not in the matrix, or of what is not asked of it.
    """

    alert: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    answers: bool = True
    why: str = ""


SERVICES: dict[str, Expected] = {
    "postgres": Expected("ChurnStoreDown"),
    "mariadb": Expected("ChurnStoreDown"),
    "redis": Expected("ChurnNeighbourDown", {"neighbour": "redis"}),
    "mlflow": Expected("ChurnRegistryDown"),
    "bento": Expected("ChurnDoorDown", {"job": "churn-bento"}),
    "fastapi": Expected("ChurnDoorDown", {"job": "churn-fastapi"}),
    "front": Expected("ChurnFrontDown", answers=False, why="it is the only way in: clients try again until it is back"),
    "worker": Expected("ChurnNeighbourDown", {"neighbour": "worker"}),
    "scheduler": Expected("ChurnNeighbourDown", {"neighbour": "scheduler"}),
    "reports": Expected("ChurnNeighbourDown", {"neighbour": "reports"}),
    "exporter": Expected("ChurnExporterDown"),
    "alertmanager": Expected("ChurnAlertmanagerDown"),
    "prometheus": Expected(why="whoever receives ChurnWatchdog misses it after a while; nobody else can tell"),
    "migrate": Expected(why="it runs once and ends"),
    "grafana": Expected(why="no image of it is in the laboratory; nothing asks it for anything"),
    "traffic": Expected(why="it stands for the customers' own programs"),
}

Round = tuple[Fault, tuple[str, ...]]
"""What happens at the same time: services that have nothing to do with each other share a wait for alerts."""

CORE: tuple[str, ...] = (
    "postgres", "mlflow", "bento", "fastapi", "front", "worker", "scheduler", "redis", "exporter", "reports",
    "prometheus", "alertmanager",
)  # fmt: skip

SHORT: tuple[Round, ...] = (
    ("kill", ("bento",)),
    ("kill", ("fastapi",)),
    ("kill", ("front",)),
    ("kill", ("postgres",)),
    ("kill", ("mlflow", "redis", "worker", "scheduler", "reports")),
    ("kill", ("exporter",)),
    ("kill", ("alertmanager",)),
    ("kill", ("prometheus",)),
    ("pause", ("bento",)),
    ("pause", ("postgres",)),
    ("pause", ("mlflow", "redis", "worker")),
)
FAULTS: tuple[Fault, ...] = ("kill", "stop", "pause")
LONG: tuple[Round, ...] = tuple((fault, (service,)) for service in CORE for fault in FAULTS)
WITH_MARIADB: tuple[Round, ...] = tuple((fault, ("mariadb",)) for fault in FAULTS)

ROUNDS = LONG if SETTINGS.length == "long" else SHORT


def words_of(one: Round) -> str:
    """Say what a round does, and who is to hear of it."""
    fault, services = one
    heard = sorted({SERVICES[each].alert or "nobody" for each in services})
    return f"docker {fault} of {', '.join(services)} → {', '.join(heard)}"
