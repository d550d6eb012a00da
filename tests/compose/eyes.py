"""A stack's own Prometheus and Alertmanager, with the committed rules made quicker, and what they say."""

import shutil
from typing import Any

import httpx
import yaml

from monitoring.rules import FOLDER, quickened_groups, read_rules
from tests.compose.stack import Stack

FACTOR = 60
"""Five minutes of patience are five seconds."""

EXPORTER_SECONDS = 10
"""It may take so long to answer when a database hangs; every other scrape is made quicker."""


def quicken(stack: Stack) -> None:
    """Give a stack that is not started yet a Prometheus whose minutes are seconds."""
    folder = stack.folder / "quick"
    (folder / "rules").mkdir(parents=True)
    for name, groups in read_rules(stack.folder / "monitoring" / "prometheus" / "rules").items():
        quick = {"groups": quickened_groups(groups, FACTOR, every="1s")}
        (folder / "rules" / name).write_text(yaml.safe_dump(quick), encoding="utf-8")
    name = "prometheus.compose.yml"
    (folder / name).write_text(yaml.safe_dump(_quick(stack.folder / "monitoring" / "prometheus" / name)), "utf-8")
    shutil.copy(FOLDER.parent / "prometheus.yml", folder)
    stack.set(HOLDFAST_PROMETHEUS="./quick")


def _quick(path: Any) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    config["global"].update(scrape_interval="2s", scrape_timeout="2s", evaluation_interval="1s")
    for job in config["scrape_configs"]:
        if job["job_name"] == "churn-exporter":
            job.update(scrape_interval=f"{EXPORTER_SECONDS}s", scrape_timeout=f"{EXPORTER_SECONDS}s")
    return config


def is_firing(stack: Stack, alert: str, **labels: str) -> bool:
    """An alert with these labels fires, says Prometheus; one that does not answer says of none."""
    found = _asked(f"{stack.url('prometheus')}/api/v1/alerts").get("data", {}).get("alerts", [])
    return any(each["state"] == "firing" and _is(each["labels"], alert, labels) for each in found)


def is_told(stack: Stack, alert: str, **labels: str) -> bool:
    """Alertmanager has been told of such an alert, and not yet that it is over."""
    found = _asked(f"{stack.url('alertmanager')}/api/v2/alerts?active=true") or []
    return any(_is(each["labels"], alert, labels) for each in found)


def _is(found: dict[str, str], alert: str, labels: dict[str, str]) -> bool:
    wanted = {"alertname": alert, **labels}
    return wanted.items() <= found.items()


def _asked(url: str) -> Any:
    try:
        return httpx.get(url, timeout=5, trust_env=False).raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return {}
