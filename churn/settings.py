"""Where things are: addresses and secrets from the environment, prefix `CHURN_`.

Parameters (the science) are not here: they are in `pipelines/parameters/`. This module and the shells' own
`settings.py` are the only places that read the environment.
"""

import os
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """What every shell needs to know. Each default runs on a laptop without any server."""

    model_config = SettingsConfigDict(
        env_prefix="CHURN_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    home: Path = Path("var")
    """Folder that holds the state of a local installation."""

    model: str = Field(default="churn", pattern=r"^[a-z][a-z0-9_-]{0,62}$")
    """Name of the registered model that is trained, promoted and served."""

    tracking: str | None = Field(
        default=None, validation_alias=AliasChoices("CHURN_TRACKING_URI", "MLFLOW_TRACKING_URI")
    )
    """MLflow tracking and registry address; unset: a SQLite file under `home`."""

    artifacts: str | None = Field(default=None, pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#]*)?$")
    """`s3://bucket/folder` for the artifacts of a local MLflow database; unset: a folder under `home`."""

    database: str | None = Field(default=None, validation_alias=AliasChoices("CHURN_DATABASE_URL"))
    """SQLAlchemy address of the churn store; unset: a SQLite file under `home`."""

    optuna: str | None = Field(default=None, validation_alias=AliasChoices("CHURN_OPTUNA_URL"))
    """SQLAlchemy address of Optuna's studies; never the database of MLflow or of the churn store."""

    tables: Path | None = None
    """Folder whose files a retraining may name, tables and contracts; unset: `tables` under `home`."""

    job_days: float = Field(default=7, gt=0)
    """How long the files of a job that has ended are kept."""

    job_lease_seconds: float = Field(default=60, gt=0)
    """A runner that was silent for so long is taken for dead, and its job by another."""

    audit_key: SecretStr | None = Field(default=None, min_length=16)
    """Signs the anchors of the log; unset: they are not signed."""

    retain_days: float = Field(default=365, gt=0)
    """Predictions that are younger are not deleted by `churn audit retain`: their outcomes may not be known yet."""

    doors: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses of the doors, by comma, for who looks after them; unset: both on this machine, at their usual ports."""

    pulse: str | None = Field(default=None, pattern=r"^[^\s:/]+:[0-9]{1,5}$")
    """`host:port` where `churn work` and `churn schedule` answer that they are at work; unset: nowhere."""

    bento_port: int = Field(default=3000, ge=1, le=65535)
    """Port of the BentoML door."""

    fastapi_port: int = Field(default=8000, ge=1, le=65535)
    """Port of the fallback."""

    @property
    def door_urls(self) -> tuple[str, ...]:
        """Where the doors are."""
        ports = (self.bento_port, self.fastapi_port)
        return self.doors or tuple(f"http://127.0.0.1:{port}" for port in ports)

    @field_validator("doors", mode="before")
    @classmethod
    def _doors_by_comma(cls, value: object) -> object:
        return addresses_of(value) if isinstance(value, str) else value

    @property
    def tracking_uri(self) -> str:
        """MLflow's address. A plain `mlflow run` writes ./mlflow.db: found when no home is set, nor there."""
        if self.tracking:
            return self.tracking
        own, mlflow_default = self.home / "mlflow.db", Path("mlflow.db")
        is_default = "home" not in self.model_fields_set and mlflow_default.exists() and not own.exists()
        return f"sqlite:///{(mlflow_default if is_default else own).resolve()}"

    @property
    def artifact_folder(self) -> Path:
        """Where artifacts go when MLflow's database is a local file and no object store is named."""
        return self.home.resolve() / "artifacts"

    @property
    def artifact_url(self) -> str:
        """Where artifacts go when MLflow's database is a local file."""
        return self.artifacts.rstrip("/") if self.artifacts else self.artifact_folder.as_uri()

    @property
    def database_url(self) -> str:
        """The churn store's address."""
        return self.database or f"sqlite:///{self.home.resolve() / 'churn.db'}"

    @property
    def optuna_url(self) -> str:
        """Address of the studies."""
        return self.optuna or f"sqlite:///{self.home.resolve() / 'optuna.db'}"

    @property
    def bundle_folder(self) -> Path:
        """Copies of bundles, one folder per digest, and the pointer to the one in production."""
        return self.home.resolve() / "bundles"

    @property
    def spool_folder(self) -> Path:
        """Predictions that are acknowledged and not yet in the SQL store."""
        return self.home.resolve() / "spool"

    @property
    def data_folder(self) -> Path:
        """Downloaded and ingested tables."""
        return self.home.resolve() / "data"

    @property
    def table_folder(self) -> Path:
        """Tables and contracts that a retraining may name."""
        return (self.tables or self.home / "tables").resolve()

    @property
    def job_folder(self) -> Path:
        """Files of jobs, one folder per job."""
        return self.home.resolve() / "jobs"

    @property
    def report_folder(self) -> Path:
        """Reports for people: drift, quality, the demo's screen."""
        return self.home.resolve() / "reports"


def addresses_of(text: str) -> tuple[str, ...]:
    """Split addresses that commas separate, without the slash at their ends."""
    return tuple(one.strip().rstrip("/") for one in text.split(",") if one.strip())


def faults_in(error: ValidationError) -> str:
    """Name each setting as it is written; what was found there may be a secret, and is not shown."""
    names = (".".join(map(str, one["loc"])).upper() for one in error.errors())
    return "; ".join(
        f"{name if name.startswith(('CHURN_', 'MLFLOW_')) else f'CHURN_{name}'}: {one['msg']}"
        for name, one in zip(names, error.errors(), strict=True)
    )


LIBRARY_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "True",
    "DO_NOT_TRACK": "true",
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime tells Microsoft of each session, from its import on
    "MLFLOW_UV_AUTO_DETECT": "false",  # else the whole project becomes the requirements of each logged model
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_SCHEMA_DETAILS": "true",  # its schema errors print the customer's row
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # the default of 7 hangs for minutes when the server is away
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "AWS_DEFAULTS_MODE": "standard",  # else the S3 client waits a minute for each of five connections
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""What libraries read from the environment at import; a value that the user set stays."""


def set_library_defaults() -> None:
    """Make libraries quiet, private and impatient. Entry points call it before they import them."""
    for name, value in LIBRARY_DEFAULTS.items():
        os.environ.setdefault(name, value)


def environment_for_children(**changes: str) -> dict[str, str]:
    """Return what child processes inherit: this process's environment with some values changed."""
    return {**os.environ, **changes}


def environment_for_own_children() -> dict[str, str]:
    """Return the environment of a process that must import what this one does, wherever this one was started."""
    code, path = str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH")
    return environment_for_children(PYTHONPATH=f"{code}{os.pathsep}{path}" if path else code)
