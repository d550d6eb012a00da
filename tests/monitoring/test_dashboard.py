"""The dashboard, its data source and the scrape configuration as files."""

import json
import re
from pathlib import Path

import pytest
import yaml

from monitoring.dashboard import FILE, UID, dashboard_json
from monitoring.panels import ROWS

ROOT = Path(__file__).parents[2]
PANELS = [panel for panels in ROWS.values() for panel in panels]
NAME = re.compile(r"\bchurn_[a-z_]+\b")
SUFFIX = re.compile(r"_(total|bucket|sum|count)$")


def metrics_of_the_code() -> set[str]:
    """Names in the doors and in the exporter; a counter's lacks its `_total` there."""
    files = [*(ROOT / "services").rglob("*.py"), ROOT / "monitoring" / "exporter.py"]
    return {name for file in files for name in re.findall(r'"(churn_[a-z_]+)"', file.read_text(encoding="utf-8"))}


def test_the_committed_dashboard_is_the_generated_one() -> None:
    assert FILE.read_text(encoding="utf-8") == dashboard_json(), "run: python -m monitoring.dashboard"


def test_the_dashboard_has_a_lasting_address_and_asks_the_chosen_data_source() -> None:
    board = json.loads(dashboard_json())

    assert board["uid"] == UID
    assert board["editable"] is False
    targets = [target for panel in board["panels"] for target in panel.get("targets", [])]
    assert {target["datasource"]["uid"] for target in targets} == {"${datasource}"}
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_panel_asks_only_for_metrics_that_exist(panel: object) -> None:
    queries = panel.queries  # type: ignore[attr-defined]
    labels = {"churn_drift", "churn_http"}
    asked = {SUFFIX.sub("", name) for query, _ in queries for name in NAME.findall(query)} - labels

    assert asked <= {SUFFIX.sub("", name) for name in metrics_of_the_code()}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_rate_is_taken_over_the_interval_that_grafana_chooses(panel: object) -> None:
    for query, _ in panel.queries:  # type: ignore[attr-defined]
        assert all(window == "[$__rate_interval]" for window in re.findall(r"\[.*?\]", query))


def test_provisioning_keeps_the_dashboard_as_it_is_committed() -> None:
    folder = ROOT / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards" / "churn.yaml").read_text())["providers"]

    assert source["uid"] == "churn-prometheus"
    assert (provider["disableDeletion"], provider["allowUiUpdates"]) == (True, False)


def test_prometheus_scrapes_the_usual_ports() -> None:
    config = yaml.safe_load((ROOT / "monitoring" / "prometheus" / "prometheus.yml").read_text())

    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    assert targets == {
        "churn-bento": ["127.0.0.1:3000"],
        "churn-fastapi": ["127.0.0.1:8000"],
        "churn-exporter": ["127.0.0.1:9200"],
    }
