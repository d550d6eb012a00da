"""Settings of the eyes: the common ones, and where the exporter listens."""

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from churn.settings import Settings

NEIGHBOUR = re.compile(r"^(http|redis)://([^\s@]*@)?[A-Za-z0-9._-]+:[0-9]{1,5}(/[^\s]*)?\Z")


class MonitoringSettings(Settings):
    """What monitoring needs to know. Each default runs on a laptop without any server."""

    exporter_host: str = "127.0.0.1"
    """Address that `churn exporter` listens on; 0.0.0.0 in a container."""

    exporter_port: int = Field(default=9200, ge=1, le=65535)
    """Port of the exporter; `monitoring/prometheus/prometheus.yml` asks here."""

    reports_host: str = "127.0.0.1"
    """Address that `churn reports --serve` listens on; reports name no customer, but whoever reaches it reads them."""

    reports_port: int = Field(default=9300, ge=1, le=65535)
    """Its port."""

    reports_names: Annotated[tuple[str, ...], NoDecode] = ()
    """Names, by comma, that it answers to beside this machine's own."""

    neighbours: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict)
    """Services that the exporter asks for a word, by comma: `front=http://front:8080/metrics,redis=redis://redis:6379`."""

    @field_validator("neighbours", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = (one.strip().partition("=") for one in value.split(","))
        return {name: address for name, _, address in pairs if address}

    @field_validator("neighbours")
    @classmethod
    def _have_a_port(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := [name for name, address in value.items() if not NEIGHBOUR.match(address)]:
            raise ValueError(f"{wrong[0]}: write http://host:port/path or redis://host:port")
        return value

    @field_validator("reports_names", mode="before")
    @classmethod
    def _by_comma(cls, value: object) -> object:
        return tuple(filter(None, (name.strip() for name in value.split(",")))) if isinstance(value, str) else value

    @property
    def drift_folder(self) -> Path:
        """One folder per run of the drift job."""
        return self.report_folder / "drift"

    @property
    def performance_folder(self) -> Path:
        """One folder per run of the performance job and version."""
        return self.report_folder / "performance"


def prepare_exporter() -> None:
    """Make MLflow's client give up before Prometheus does; call it before mlflow is imported."""
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "3"
