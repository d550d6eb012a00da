"""Prometheus and Alertmanager, configured for a home whose processes have ports of their own."""

import subprocess
from pathlib import Path

import pytest
import yaml

from cli.demo.watchers import write_alertmanager, write_prometheus
from tests.monitoring.programs import require

PORTS = {"churn-bento": 4001, "churn-exporter": 4002}


def test_only_the_named_jobs_are_scraped_at_their_ports(tmp_path: Path) -> None:
    written = yaml.safe_load(write_prometheus(tmp_path, PORTS).read_text())

    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in written["scrape_configs"]}
    assert targets == {"churn-bento": ["127.0.0.1:4001"], "churn-exporter": ["127.0.0.1:4002"]}
    assert "alerting" not in written


def test_alerts_are_sent_where_an_alertmanager_is_named(tmp_path: Path) -> None:
    written = yaml.safe_load(write_prometheus(tmp_path, {**PORTS, "alertmanager": 4003}).read_text())

    assert written["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["127.0.0.1:4003"]}]}]


def test_quicker_rules_are_judged_every_second(tmp_path: Path) -> None:
    usual = write_prometheus(tmp_path / "usual", PORTS)
    quick = write_prometheus(tmp_path / "quick", PORTS, factor=60)

    assert yaml.safe_load(quick.read_text())["global"]["scrape_interval"] == "1s"
    patience = {path.parent.name: _patience_of_drift(path) for path in (usual, quick)}
    assert patience == {"usual": "5m", "quick": "5000ms"}


@pytest.mark.parametrize("factor", [1, 60])
def test_promtool_accepts_it(tmp_path: Path, factor: float) -> None:
    path = write_prometheus(tmp_path, PORTS, factor=factor)

    command = [require("promtool", "prometheus"), "check", "config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_receiver_is_the_one_address_and_hears_at_once(tmp_path: Path) -> None:
    written = yaml.safe_load(write_alertmanager(tmp_path, "http://127.0.0.1:4004/").read_text())

    assert {one["webhook_configs"][0]["url"] for one in written["receivers"]} == {"http://127.0.0.1:4004/"}
    assert {one["group_wait"] for one in (written["route"], *written["route"]["routes"])} == {"0s"}


def _patience_of_drift(config: Path) -> str:
    groups = yaml.safe_load((config.parent / "rules" / "model.yml").read_text())["groups"]
    (found,) = [rule["for"] for group in groups for rule in group["rules"] if rule.get("alert") == "ChurnDrift"]
    return str(found)
