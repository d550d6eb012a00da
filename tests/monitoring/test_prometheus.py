"""A real Prometheus scrapes real doors and the exporter; every panel's query returns data."""

import math
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import yaml

from churn.contract.contract import Contract
from churn.stores.database import migrate, open_database
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import Move, PromotionLog
from monitoring.drift import drift
from monitoring.drift_parameters import read_drift_parameters
from monitoring.panels import ROWS
from monitoring.settings import MonitoringSettings
from tests.bundles import random_columns
from tests.monitoring.homes import home_with_production, predictions_of
from tests.monitoring.programs import churn, require, running, wait_until
from tests.postgres import free_port

CONFIG = Path(__file__).parents[2] / "monitoring" / "prometheus" / "prometheus.yml"
QUERIES = [
    pytest.param(query, id=f"{panel.title}: {legend}")
    for panels in ROWS.values()
    for panel in panels
    for query, legend in panel.queries
]


def test_promtool_accepts_the_configuration() -> None:
    done = subprocess.run(
        [require("promtool", "prometheus"), "check", "config", str(CONFIG)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def settings(bundle_folder: Path, telco: Contract, tmp_path_factory: pytest.TempPathFactory) -> MonitoringSettings:
    """A home with a promotion, stored predictions and a drift run."""
    settings = home_with_production(tmp_path_factory.mktemp("scraped"), bundle_folder)
    engine = open_database(settings.database_url)
    migrate(engine)
    moves = PromotionLog(engine)
    moves.finish(moves.prepare(Move("churn", "promote", None, 1, "test"), reason=""), "done")
    PredictionStore(engine).add(predictions_of(bundle_folder, random_columns(telco, 300, seed=1)))
    drift(None, read_drift_parameters(), settings=settings)
    engine.dispose()
    return settings


@pytest.fixture(scope="module")
def prometheus(settings: MonitoringSettings, telco: Contract) -> Iterator[str]:
    """The address of a Prometheus that has scraped both doors and the exporter while they were at work."""
    program, folder = require("prometheus", "prometheus"), settings.home
    ports = {job: free_port() for job in ("churn-bento", "churn-fastapi", "churn-exporter", "prometheus")}
    commands = {
        "churn-bento": churn("serve", "--door", "bento", "--port", str(ports["churn-bento"])),
        "churn-fastapi": churn("serve", "--door", "fastapi", "--port", str(ports["churn-fastapi"])),
        "churn-exporter": churn("exporter", "--port", str(ports["churn-exporter"])),
        "prometheus": _prometheus(program, ports, folder),
    }
    environment = {"CHURN_HOME": str(folder), "CHURN_TRACKING_URI": settings.tracking_uri}
    with ExitStack() as stack:
        for name, command in commands.items():
            stack.enter_context(running(command, log=folder / f"{name}.log", environment=environment))
        doors = [f"http://127.0.0.1:{ports[name]}" for name in ("churn-bento", "churn-fastapi")]
        address = f"http://127.0.0.1:{ports['prometheus']}"
        for door in doors:
            wait_until(lambda door=door: _predicts(door, telco), f"{door} predicts")  # type: ignore[misc]
        wait_until(lambda: _is_everything_scraped(address), "prometheus scrapes everything")
        wait_until(lambda: _send(doors, telco) and _has_rate(address), "prometheus has seen traffic twice")
        yield address


@pytest.mark.slow
@pytest.mark.parametrize("query", QUERIES)
def test_every_panel_has_data(prometheus: str, query: str) -> None:
    samples = _ask(prometheus, query.replace("$__rate_interval", "30s"))

    assert samples, "no series"
    assert any(math.isfinite(value) for value in samples), samples


def _prometheus(program: str, ports: dict[str, int], folder: Path) -> list[str]:
    """Take the committed configuration, with this test's ports and a quick pulse."""
    config = yaml.safe_load(CONFIG.read_text())
    config["global"].update(scrape_interval="1s", scrape_timeout="1s")
    config["scrape_configs"] = [job for job in config["scrape_configs"] if job["job_name"] in ports]
    del config["alerting"]
    for job in config["scrape_configs"]:
        job["static_configs"][0]["targets"] = [f"127.0.0.1:{ports[job['job_name']]}"]
        job.pop("scrape_interval", None)
        job.pop("scrape_timeout", None)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
    ]


def _ask(address: str, query: str) -> list[float]:
    answer = httpx.get(f"{address}/api/v1/query", params={"query": query}, timeout=10)
    answer.raise_for_status()
    return [float(one["value"][1]) for one in answer.json()["data"]["result"]]


def _predicts(door: str, contract: Contract) -> bool:
    try:
        return httpx.post(f"{door}/predict", json=dict(contract.example), timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _send(doors: list[str], contract: Contract) -> bool:
    """Send each door customers of every kind: whole, incomplete, with an unknown category, and unreadable."""
    example = dict(contract.example)
    incomplete = {name: value for name, value in example.items() if name in contract.required_columns}
    kinds: list[dict[str, object]] = [
        {**example},
        {**incomplete},
        {**example, "PaymentMethod": "pigeon"},
        {**example, "tenure": "long"},
    ]
    for door in doors:
        statuses = [httpx.post(f"{door}/predict", json=kind, timeout=10).status_code for kind in kinds]
        assert statuses == [200, 200, 200, 422]
    return True


def _is_everything_scraped(address: str) -> bool:
    try:
        return _ask(address, 'sum(up{job=~"churn-.*"})') == [3]
    except httpx.TransportError:
        return False


def _has_rate(address: str) -> bool:
    doors = _ask(address, "sum by (door) (rate(churn_predictions_total[30s])) > 0")
    unknown = _ask(address, "sum(rate(churn_input_unknown_total[30s])) > 0")
    return len(doors) == 2 and bool(unknown)
