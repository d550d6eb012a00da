"""Settings of the doors, and the one place that prepares the environment of the processes behind them."""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from churn.settings import Settings

Door = Literal["bento", "fastapi"]
MASTER = "CHURN_MASTER_PID"

ORIGIN = re.compile(r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?\Z")
SAMPLES = ("secret", "change", "example", "sample", "password", "default", "placeholder", "0123456789", "abcdefgh")
"""Words of secrets that stand in documentation; 32 random bytes hold none of them."""


class ServiceSettings(Settings):
    """What a door needs to know. Each default runs on a laptop without any server."""

    host: str = "127.0.0.1"
    """Address that `churn serve` listens on; 0.0.0.0 in a container."""

    workers: int = Field(default=1, ge=1, le=64)
    """Processes that answer at one door."""

    drain_seconds: int = Field(default=20, ge=1)
    """How long requests in flight may take after SIGTERM."""

    body_bytes: int = Field(default=256 << 10, ge=1024)
    """Largest body of one customer."""

    batch_bytes: int = Field(default=32 << 20, ge=1024)
    """Largest body of a batch."""

    body_seconds: float = Field(default=10.0, gt=0)
    """How long one customer's body may take to arrive."""

    batch_seconds: float = Field(default=60.0, gt=0)
    """How long a batch may take to arrive; a streamed file may take any time."""

    max_in_flight: int = Field(default=256, ge=1)
    """Requests that one worker has in hand; one more is answered 503 at once."""

    upload_bytes: int = Field(default=2 << 30, ge=1024)
    """Largest streamed file, and largest file of a job."""

    batch_rows: int = Field(default=50_000, ge=1)
    """Most rows of a batch; `churn score` takes any number."""

    follow_seconds: float = Field(default=0.5, gt=0)
    """How often a worker looks for a promotion."""

    sync_seconds: float = Field(default=1.0, gt=0)
    """How often the attendant reads the registry's alias."""

    relay_seconds: float = Field(default=0.5, gt=0)
    """How often the attendant moves recorded predictions into the SQL store."""

    attended: bool = True
    """False: workers start no attendant; somebody else runs `python -m services.attendant`."""

    predict_access: Literal["open", "key"] = "open"
    """Who may predict: everybody who reaches the door, or who shows an API key or a token."""

    token_secret: SecretStr | None = None
    """Signs tokens: 32 bytes or more, the same at every door. Unset: made once and kept in `home`, for one machine."""

    token_secret_before: SecretStr | None = None
    """The secret before this one: tokens that it signed still hold. For a change of secret without a new sign-in."""

    api_key: SecretStr | None = None
    """What `churn predict` shows to the doors, made by `churn key add`."""

    token_minutes: int = Field(default=60, ge=1, le=1440)
    """How long a token holds."""

    redis_url: str | None = Field(default=None, pattern=r"^(rediss?|unix)://")
    """Counts rate limits for all workers and doors; unset, or away: each worker counts for itself."""

    predict_per_minute: int = Field(default=0, ge=0)
    """Most predictions of one subject in a minute; 0: any number."""

    requests_per_minute: int = Field(default=600, ge=1)
    """Most other requests of one subject in a minute."""

    sign_ins_per_minute: int = Field(default=10, ge=1)
    """Most attempts to sign in from one address in a minute."""

    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses or networks, by comma, whose X-Forwarded-For is believed."""

    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins, by comma, whose pages may call the doors from a browser."""

    embedded_jobs: bool = True
    """The attendant runs jobs (retraining, activation, large files) on this machine; False: a `churn work` does."""

    alias: str = Field(default="production", pattern=r"^[a-z][a-z0-9_-]{0,31}$")
    """The alias that these doors follow; doors that follow another than `production` have no canary and no shadow."""

    shadow_share: float = Field(default=1.0, ge=0, le=1)
    """Share of live predictions that the version with the alias `shadow` scores too."""

    webhook_secret: SecretStr | None = None
    """Signs what MLflow's webhook sends to these doors; unset: they take no hooks."""

    webhook_event: Literal["alias", "version"] = "alias"
    """What asks for a release: that a version got `webhook_alias`, or that there is a new version."""

    webhook_alias: str = Field(default="candidate", pattern=r"^[a-z][a-z0-9_-]{0,31}$")
    """Given to a version in MLflow, asks for its release."""

    jenkins_url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Address of the job that releases, as https://jenkins.example/job/holdfast."""

    jenkins_user: str | None = None
    """Who starts the job."""

    jenkins_token: SecretStr | None = None
    """That user's API token."""

    log_format: Literal["text", "json"] = "text"
    """One line for people, or one JSON object, per event."""

    access_log: bool = False
    """A line per request. Off, only failures of ours and slow answers have one: a proxy in front writes the others."""

    slow_seconds: float = Field(default=1.0, gt=0)
    """Answers that take so long are logged."""

    kept_bundles: int = Field(default=3, ge=1)
    """How many bundles stay on disk, the one in production included."""

    @property
    def token_file(self) -> Path:
        """The secret that signs tokens when the settings hold none."""
        return self.home.resolve() / "token.key"

    @property
    def pointer_file(self) -> Path:
        """Names the bundle on disk that every worker serves."""
        return self.bundle_folder / "production.json"

    @property
    def shadow_file(self) -> Path:
        """Names the bundle on disk that is scored beside production and never answers."""
        return self.bundle_folder / "shadow.json"

    @property
    def canary_file(self) -> Path:
        """Names the bundle on disk that answers a share of the customers, and the share."""
        return self.bundle_folder / "canary.json"

    @property
    def catalogue_file(self) -> Path:
        """The registry's versions, as the attendant last saw them."""
        return self.home.resolve() / "catalogue.json"

    @property
    def hook_folder(self) -> Path:
        """Marks of webhook deliveries that were taken."""
        return self.home.resolve() / "hooks"

    @property
    def work_log(self) -> Path:
        """What the runner of jobs says, when the attendant started it."""
        return self.home.resolve() / "logs" / "work.log"

    @property
    def attendant_file(self) -> Path:
        """What the attendant says about itself."""
        return self.home.resolve() / "attendant.json"

    @property
    def attendant_lock(self) -> Path:
        """Held by the one attendant of this home."""
        return self.home.resolve() / "attendant.lock"

    @field_validator("trusted_proxies", "allowed_origins", mode="before")
    @classmethod
    def _by_comma(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @field_validator("token_secret", "token_secret_before", "webhook_secret")
    @classmethod
    def _is_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_strong(value.get_secret_value()):
            raise ValueError("needs 32 random bytes or more: `openssl rand -base64 48` makes some")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            ip_network(each, strict=False)
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [each for each in value if not ORIGIN.match(each)]:
            raise ValueError(f"{wrong[0]!r} is no origin: write https://host or https://host:port, never *")
        return value

    def port_of(self, door: Door) -> int:
        """Return a door's usual port."""
        return self.bento_port if door == "bento" else self.fastapi_port


def is_strong(secret: str) -> bool:
    """Say whether a secret can sign tokens: long enough, varied, and not one that somebody copied from a page."""
    is_sample = any(word in secret.lower() for word in SAMPLES)
    return len(secret.encode()) >= 32 and len(set(secret)) >= 12 and not is_sample


def prepare_serving(settings: ServiceSettings, *, run_folder: Path) -> None:
    """Set what the processes of one door inherit; before BentoML or prometheus_client is imported.

    Args:
        settings: those of this door; the workers must see the same.
        run_folder: scratch of this one `churn serve`. Two doors on one BENTOML_HOME wipe each other's metrics.
    """
    metrics = run_folder / "prometheus_multiproc_dir"
    metrics.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        {
            "CHURN_HOME": str(settings.home.resolve()),
            "CHURN_WORKERS": str(settings.workers),
            MASTER: str(os.getpid()),
            "BENTOML_HOME": str(run_folder),
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "FORWARDED_ALLOW_IPS": "",  # else uvicorn believes X-Forwarded-For of anybody on this machine
        }
    )
    if not is_tracing_wanted():
        os.environ["OTEL_SDK_DISABLED"] = "true"  # BentoML and MLflow bring the SDK, and would start it
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # else each thread keeps memory of its own: 100 MB more of a worker
    os.environ.pop("BENTOML_CONTAINERIZED", None)  # with it BentoML does not replace a dead worker


def master_pid(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return the process that starts and replaces the workers of this door; None when nobody said."""
    found = environment.get(MASTER, "")
    return int(found) if found.isdecimal() else None


def is_tracing_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Say whether OpenTelemetry's usual variables ask for spans."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").lower()
    addresses = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return exporter == "otlp" or (exporter != "none" and any(environment.get(name) for name in addresses))


def run_lock(run_folder: Path) -> Path:
    """Return the file that a door's processes share a lock on, so that nobody takes their folder for abandoned."""
    return run_folder / "lock"


def prepare_attendant() -> None:
    """Make MLflow's client give up soon, before mlflow is imported: the attendant asks again anyway."""
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "5"
    os.environ["MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"] = "1"


def metrics_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return where the processes of this door leave their metrics; None when there is only this process."""
    folder = environment.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None
