"""The installation that is looked at: where its services are, and what they answer."""

from __future__ import annotations  # hosts may have Python 3.9

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.host.asking import Answer, ask
from deploy.host.checks.check import require
from deploy.host.inside import said_in
from deploy.host.services import PUBLISHED, active


@dataclass(frozen=True)
class Installation:
    """One installation on this host.

    Attributes:
        settings: its `.env`.
        api_key: shown with predictions, where they need one.
        aliases: version by alias, as they were found.
        seen: what one check leaves for later ones: the id of a prediction.
        away: services that do not run, as the engine's checks found.
    """

    settings: Mapping[str, str]
    api_key: str = ""
    aliases: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)

    @property
    def project(self) -> str:
        """COMPOSE_PROJECT_NAME."""
        return self.settings["COMPOSE_PROJECT_NAME"]

    @property
    def services(self) -> tuple[str, ...]:
        """Those of the active profiles."""
        return active(self.settings)

    def patience(self, seconds: float, *services: str) -> float:
        """Return how long to wait for what comes from these services: not at all when one of them does not run."""
        return 0.0 if self.away.intersection(services) else seconds

    def url(self, service: str) -> str:
        """Return where a published service is."""
        return f"http://127.0.0.1:{self.settings[PUBLISHED[service]]}"

    def ask(
        self, service: str, path: str, *, body: object = None, account: tuple[str, str] | None = None, status: int = 200
    ) -> Answer:
        """Ask a published service, and make sure that it answers with the status.

        Raises:
            UnansweredError: it does not answer.
            WrongError: its status is another.
        """
        headers = {"X-API-Key": self.api_key} if self.api_key and service == "front" else {}
        answer = ask(self.url(service) + path, body=body, account=account, headers=headers)
        require(answer.status == status, f"{answer.url} answered {answer.status}, not {status}: {answer.words}")
        return answer

    def said_in(self, service: str, *words: str) -> str:
        """Execute a command in a service's container and return what it prints, without white space around it.

        Raises:
            HostError: it failed, or the container does not run.
        """
        return said_in(self.project, service, words).strip()

    def series(self, query: str) -> list[dict[str, Any]]:
        """Return what Prometheus answers to an instant query.

        Raises:
            UnansweredError: it does not answer.
            WrongError: it refuses.
        """
        path = "/api/v1/query?" + urllib.parse.urlencode({"query": query})
        return list(self.ask("prometheus", path).value["data"]["result"])

    def number(self, query: str) -> float:
        """Return the sum of what Prometheus knows of a query; 0 when it knows nothing."""
        return sum(float(one["value"][1]) for one in self.series(query))
