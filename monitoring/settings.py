"""Settings of the eyes: the common ones, and where the exporter listens."""

import os
from pathlib import Path

from pydantic import Field

from churn.settings import Settings


class MonitoringSettings(Settings):
    """What monitoring needs to know. Each default runs on a laptop without any server."""

    exporter_host: str = "127.0.0.1"
    """Address that `churn exporter` listens on; 0.0.0.0 in a container."""

    exporter_port: int = Field(default=9200, ge=1, le=65535)
    """Port of the exporter; `monitoring/prometheus/prometheus.yml` asks here."""

    @property
    def drift_folder(self) -> Path:
        """One folder per run of the drift job."""
        return self.report_folder / "drift"


def prepare_exporter() -> None:
    """Make MLflow's client give up before Prometheus does; call it before mlflow is imported."""
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "3"
