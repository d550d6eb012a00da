"""Prometheus and Alertmanager as this project configures them, for a home whose processes have ports of their own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from monitoring.rules import quickened_groups, read_rules

MONITORING = Path(__file__).parents[2] / "monitoring"
QUICK_PULSE = "1s"


def write_prometheus(folder: Path, ports: Mapping[str, int], *, factor: float = 1) -> Path:
    """Write a configuration like the committed one, with its rules, and return its path.

    Args:
        folder: made when it is not there.
        ports: of the scraped jobs on this machine, by their names in the committed file; others are not scraped.
            Where `alertmanager` is among them alerts are sent.
        factor: how many times faster than in the world time runs in the rules; above 1 everything is scraped and
            judged every second.
    """
    config = yaml.safe_load((MONITORING / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    jobs = [one for one in config["scrape_configs"] if one["job_name"] in ports]
    for job in jobs:
        job["static_configs"] = _targets(ports[job["job_name"]])
    if "alertmanager" in ports:
        config["alerting"]["alertmanagers"] = [{"static_configs": _targets(ports["alertmanager"])}]
    else:
        del config["alerting"]
    _write_rules(folder / "rules", factor)
    quickly = _pulse(config["global"], jobs) if factor > 1 else {}
    return _write(folder / "prometheus.yml", {**config, **quickly, "scrape_configs": jobs})


def write_alertmanager(folder: Path, webhook: str) -> Path:
    """Write a configuration with the committed routes, told at once and to one address, and return its path."""
    config = yaml.safe_load((MONITORING / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    for receiver in config["receivers"]:
        receiver["webhook_configs"] = [{"url": webhook, "send_resolved": True}]
    for route in (config["route"], *config["route"]["routes"]):
        route.update(group_wait="0s", group_interval=QUICK_PULSE)
    return _write(folder / "alertmanager.yml", config)


def _write_rules(folder: Path, factor: float) -> None:
    for name, groups in read_rules().items():
        quick = quickened_groups(groups, factor, every=QUICK_PULSE) if factor > 1 else groups
        _write(folder / name, {"groups": quick})


def _pulse(settings: dict[str, Any], jobs: list[dict[str, Any]]) -> dict[str, Any]:
    for job in jobs:
        job.pop("scrape_interval", None)
        job.pop("scrape_timeout", None)
    times = {"scrape_interval": QUICK_PULSE, "scrape_timeout": QUICK_PULSE, "evaluation_interval": QUICK_PULSE}
    return {"global": {**settings, **times}}


def _targets(port: int) -> list[dict[str, list[str]]]:
    return [{"targets": [f"127.0.0.1:{port}"]}]


def _write(path: Path, content: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path
