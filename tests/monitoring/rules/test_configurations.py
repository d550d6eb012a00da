"""Prometheus' and Alertmanager's configurations, as their own tools see them."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.rules import FOLDER, alerts, read_rules
from tests.monitoring.programs import require
from tests.monitoring.rules.promtool import promtool

PROMETHEUS = FOLDER.parent
ALERTMANAGER = PROMETHEUS.parent / "alertmanager" / "alertmanager.yml"
NAMES = {
    "churn-bento": "bento:3000",
    "churn-fastapi": "fastapi:8000",
    "churn-exporter": "exporter:9200",
    "alertmanager": "alertmanager:9093",
    "prometheus": "127.0.0.1:9090",
}
BARE_ONLY = {"mlflow": "5000"}
"""With accounts, as in docker-compose.yml, it shows its metrics to nobody."""

ALERTS = alerts(read_rules())


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus.compose.yml"])
def test_promtool_accepts_the_configuration(name: str) -> None:
    assert promtool("check", "config", PROMETHEUS / name) == ""


def test_bare_and_composed_differ_in_addresses_only() -> None:
    bare, composed = (_read(PROMETHEUS / name) for name in ("prometheus.yml", "prometheus.compose.yml"))

    ports = {job: target.partition(":")[2] for job, target in _targets(bare).items()}
    assert ports == {job: target.partition(":")[2] for job, target in NAMES.items()} | BARE_ONLY
    assert _targets(composed) == NAMES
    assert _without_addresses(bare) == _without_addresses(composed)


def test_amtool_accepts_the_configuration() -> None:
    assert "SUCCESS" in _amtool("check-config", str(ALERTMANAGER))


@pytest.mark.parametrize("name", ["ChurnWatchdog", "ChurnNoDoor", "ChurnDrift", "ChurnPromotionRefused"])
def test_an_alert_goes_to_the_receiver_of_its_severity(name: str) -> None:
    severity = ALERTS[name]["labels"]["severity"]

    receiver = _amtool(
        "config", "routes", "test", f"--config.file={ALERTMANAGER}", f"alertname={name}", f"severity={severity}"
    )

    assert receiver.strip() == ("watchdog" if name == "ChurnWatchdog" else severity)


def test_inhibitions_are_of_alerts_that_exist_and_never_of_a_page_by_less() -> None:
    for rule in _read(ALERTMANAGER)["inhibit_rules"]:
        (source,), (target,) = (_matched(rule[end]) for end in ("source_matchers", "target_matchers"))
        sources, targets = _alerts_of(source), _alerts_of(target)

        assert sources, rule
        assert targets, rule
        if any(ALERTS[name]["labels"]["severity"] == "page" for name in targets):
            assert {ALERTS[name]["labels"]["severity"] for name in sources} == {"page"}, rule


def test_no_address_of_a_receiver_is_in_the_repository() -> None:
    assert all(set(receiver) == {"name"} for receiver in _read(ALERTMANAGER)["receivers"])


def _read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text("utf-8")))


def _targets(configuration: dict[str, Any]) -> dict[str, str]:
    return {job["job_name"]: job["static_configs"][0]["targets"][0] for job in configuration["scrape_configs"]}


def _without_addresses(configuration: dict[str, Any]) -> dict[str, Any]:
    scraped = [job for job in configuration["scrape_configs"] if job["job_name"] not in BARE_ONLY]
    jobs = [{**job, "static_configs": []} for job in scraped]
    alerting = {**configuration["alerting"], "alertmanagers": []}
    return {**configuration, "scrape_configs": jobs, "alerting": alerting}


def _amtool(*arguments: str) -> str:
    command = [require("amtool", "prometheus-alertmanager"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _matched(matchers: list[str]) -> list[list[str]]:
    return [matcher.partition("alertname ")[2].lstrip("=~ ").strip('"').split("|") for matcher in matchers]


def _alerts_of(patterns: list[str]) -> list[str]:
    exact = [name for name in patterns if name in ALERTS]
    begins = [name for each in patterns if each.endswith(".*") for name in ALERTS if name.startswith(each[:-2])]
    return [] if any(each not in ALERTS and not each.endswith(".*") for each in patterns) else exact + begins
