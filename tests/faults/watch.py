"""A real Prometheus, Alertmanager and exporter over a test's doors, with the committed rules made quicker."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from monitoring.rules import FOLDER, quickened_groups, read_rules
from tests.faults.receiver import Receiver
from tests.monitoring.programs import churn, require, running
from tests.postgres import free_port

ALERTMANAGER = FOLDER.parents[1] / "alertmanager" / "alertmanager.yml"
FACTOR = 3000
"""26 hours are 31 seconds, three days 86; no window is shorter than 5 s."""


@dataclass
class Watch:
    """The eyes over doors at given ports; each program can be stopped and started again."""

    folder: Path
    environment: dict[str, str]
    doors: dict[str, int]
    receiver: Receiver
    factor: float = FACTOR
    ports: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.ports = {name: free_port() for name in ("exporter", "prometheus", "alertmanager")}
        for name, groups in read_rules().items():
            quick = {"groups": quickened_groups(groups, self.factor, every="1s")}
            (self.folder / name).write_text(yaml.safe_dump(quick), encoding="utf-8")
        for name, text in {"prometheus": self._prometheus(), "alertmanager": self._alertmanager()}.items():
            (self.folder / f"{name}.yaml").write_text(yaml.safe_dump(text), encoding="utf-8")

    @contextmanager
    def program(self, name: str) -> Iterator[None]:
        """Run one of the three while the block runs."""
        with running(self._command(name), log=self.folder / f"{name}.log", environment=self.environment):
            yield

    def start(self, stack: ExitStack, name: str) -> ExitStack:
        """Run one of the three until the returned stack, or the outer one, is closed."""
        own = stack.enter_context(ExitStack())
        own.enter_context(self.program(name))
        return own

    def firing(self) -> set[str]:
        """Names of the alerts that fire in Prometheus, whoever is told of them."""
        answer = httpx.get(f"http://127.0.0.1:{self.ports['prometheus']}/api/v1/alerts", timeout=10)
        found = answer.raise_for_status().json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in found if alert["state"] == "firing"}

    def _command(self, name: str) -> list[str]:
        address = f"127.0.0.1:{self.ports[name]}"
        match name:
            case "exporter":
                return churn("exporter", "--port", str(self.ports[name]))
            case "prometheus":
                return [
                    require("prometheus", "prometheus"), f"--config.file={self.folder / 'prometheus.yaml'}",
                    f"--storage.tsdb.path={self.folder / 'tsdb'}", f"--web.listen-address={address}",
                ]  # fmt: skip
            case _:
                return [
                    require("prometheus-alertmanager", "prometheus-alertmanager"),
                    f"--config.file={self.folder / 'alertmanager.yaml'}", f"--storage.path={self.folder / 'nflog'}",
                    f"--web.listen-address={address}", "--cluster.listen-address=",
                ]  # fmt: skip

    def _prometheus(self) -> dict[str, Any]:
        """Take the committed configuration with this test's addresses and a quick pulse."""
        config: dict[str, Any] = yaml.safe_load((FOLDER.parent / "prometheus.yml").read_text("utf-8"))
        ports = {**self.doors, "churn-exporter": self.ports["exporter"], "alertmanager": self.ports["alertmanager"]}
        config["global"].update(scrape_interval="1s", scrape_timeout="1s", evaluation_interval="1s")
        config["scrape_configs"] = [
            {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for job, port in ports.items()
        ]
        config["rule_files"] = [str(self.folder / "*.yml")]
        alertmanager = config["alerting"]["alertmanagers"][0]["static_configs"][0]
        alertmanager["targets"] = [f"127.0.0.1:{self.ports['alertmanager']}"]
        return config

    def _alertmanager(self) -> dict[str, Any]:
        """Take the committed configuration with a receiver; nothing is held back, so that each alert is seen."""
        config: dict[str, Any] = yaml.safe_load(ALERTMANAGER.read_text("utf-8"))
        for route in (config["route"], *config["route"]["routes"]):
            route.update(group_wait="0s", group_interval="1s")
        for each in config["receivers"]:
            each["webhook_configs"] = [{"url": self.receiver.url, "send_resolved": True}]
        del config["inhibit_rules"]
        return config
