"""The services that this host can reach, each in its own protocol."""

from __future__ import annotations  # hosts may have Python 3.9

from collections.abc import Iterator
from functools import partial

from deploy.host.checks.check import Check, eventually, require
from deploy.host.checks.engine import remedy_of
from deploy.host.checks.installation import Installation

SCRAPED_SECONDS = 30.0
"""A target that was just started is up after a few scrapes."""

NEIGHBOURS = ("front", "redis", "reports", "worker", "scheduler")
"""They show no metrics, and are asked by the exporter."""

WATCHDOG_SECONDS = 60.0
EXPERIMENTS = "/api/2.0/mlflow/experiments/search?max_results=1"


def of_published(at: Installation) -> Iterator[Check]:
    """Yield the checks of those that run."""
    checks = {
        "front": (
            ("front: a request passes through to a door", _front),
            ("front: /metrics is not for clients", _hidden),
        ),
        "mlflow": (("mlflow: nobody is let in without a password, its administrator is", _mlflow),),
        "prometheus": (
            ("prometheus: every target is up", _targets),
            ("prometheus: it knows where Alertmanager is", _knows_alertmanager),
            ("prometheus: the exporter hears from every neighbour (worker, scheduler, …)", _neighbours),
        ),
        "alertmanager": (("alertmanager: the alert that always fires has arrived", _watchdog),),
        "grafana": (("grafana: the administrator of .env signs in and finds boards", _grafana),),
        "reports": (("reports: the page of reports is there", _reports),),
    }
    for service, of_service in checks.items():
        for words, look in of_service if service in at.services else ():
            yield Check(words, partial(look, at), remedy_of(service))


def _front(at: Installation) -> None:
    at.ask("front", "/livez")


def _hidden(at: Installation) -> None:
    at.ask("front", "/metrics", status=404)


def _mlflow(at: Installation) -> None:
    at.ask("mlflow", EXPERIMENTS, status=401)
    at.ask("mlflow", EXPERIMENTS, account=("admin", at.settings["HOLDFAST_MLFLOW_ADMIN_PASSWORD"]))


def _targets(at: Installation) -> None:
    def look() -> None:
        targets = at.ask("prometheus", "/api/v1/targets?state=active").value["data"]["activeTargets"]
        away = [
            f"{one['labels']['job']} ({one['lastError'] or one['health']})" for one in targets if one["health"] != "up"
        ]
        require(targets, "it has no target at all")
        require(not away, f"not up: {'; '.join(sorted(away))}")

    eventually(look, seconds=at.patience(SCRAPED_SECONDS, *at.services))


def _knows_alertmanager(at: Installation) -> None:
    known = at.ask("prometheus", "/api/v1/alertmanagers").value["data"]["activeAlertmanagers"]
    require(known, "it knows none: alerts would reach nobody")


def _neighbours(at: Installation) -> None:
    def look() -> None:
        found = {one["metric"]["neighbour"]: float(one["value"][1]) for one in at.series("churn_neighbour_up")}
        silent = [name for name in NEIGHBOURS if name in at.services and not found.get(name)]
        require(not silent, f"nothing is heard of {', '.join(silent)} (docs/runbooks/ChurnNeighbourDown.md)")

    eventually(look, seconds=at.patience(SCRAPED_SECONDS, "prometheus", "exporter", *NEIGHBOURS))


def _watchdog(at: Installation) -> None:
    def look() -> None:
        alerts = at.ask("alertmanager", "/api/v2/alerts?filter=alertname%3D%22ChurnWatchdog%22").value
        require(alerts, "ChurnWatchdog is not there: no other alert would be either")

    eventually(look, seconds=at.patience(WATCHDOG_SECONDS, "prometheus", "alertmanager"))


def _grafana(at: Installation) -> None:
    account = ("admin", at.settings["HOLDFAST_GRAFANA_PASSWORD"])
    at.ask("grafana", "/api/search?type=dash-db", status=401)
    require(at.ask("grafana", "/api/search?type=dash-db", account=account).value, "there is no board")


def _reports(at: Installation) -> None:
    at.ask("reports", "/")
