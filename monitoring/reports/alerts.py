"""Alerts: what Prometheus would wake somebody for at this moment."""

from dataclasses import dataclass

import httpx
from pydantic import BaseModel, Field, ValidationError

ASK_SECONDS = 5
WEIGHTS = {"page": 0, "ticket": 1}


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert that is not quiet.

    Attributes:
        severity: page, ticket or info.
        state: firing; or pending, when it has not lasted long enough yet.
        since: when it began, ISO-8601.
    """

    name: str
    severity: str
    state: str
    summary: str
    since: str


@dataclass(frozen=True, slots=True)
class Alerts:
    """What Prometheus said.

    Attributes:
        found: firing ones first, then by severity.
        problem: why nothing is known; "" when it answered.
    """

    found: tuple[Alert, ...] = ()
    problem: str = ""

    @property
    def urgent(self) -> tuple[Alert, ...]:
        """Those of them that somebody has to act on; the others only inform, as the one that always fires."""
        return tuple(one for one in self.firing if one.severity in WEIGHTS)

    @property
    def firing(self) -> tuple[Alert, ...]:
        """Those that have lasted long enough."""
        return tuple(one for one in self.found if one.state == "firing")


class _Told(BaseModel):
    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    state: str
    since: str = Field(default="", validation_alias="activeAt")


class _List(BaseModel):
    alerts: list[_Told]


class _Answer(BaseModel):
    data: _List


def ask_prometheus(url: str) -> Alerts:
    """Ask for its alerts; that it does not answer is an answer too."""
    try:
        answer = httpx.get(f"{url.rstrip('/')}/api/v1/alerts", timeout=ASK_SECONDS)
        answer.raise_for_status()
        told = _Answer.model_validate_json(answer.content).data.alerts
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Alerts(problem=f"Prometheus at {url} did not answer: {type(error).__name__}")
    except ValidationError:
        return Alerts(problem=f"what answers at {url} is not Prometheus")
    return Alerts(tuple(sorted(map(_alert, told), key=_order)))


def _alert(told: _Told) -> Alert:
    name, severity = told.labels.get("alertname", "nameless"), told.labels.get("severity", "info")
    return Alert(name, severity, told.state, told.annotations.get("summary", ""), told.since)


def _order(alert: Alert) -> tuple[bool, int, str]:
    return alert.state != "firing", WEIGHTS.get(alert.severity, 2), alert.name
