"""The variables of docker-compose.yml: what each is, and how it gets its first value."""

from __future__ import annotations  # hosts may have Python 3.9

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deploy.host import networks

PROFILES = ("core", "monitoring", "grafana", "mysql", "redis", "demo")
USUAL_PROFILES = "core,monitoring"

Make = Callable[[Mapping[str, str]], str]
"""Makes a value of those that are known already."""


@dataclass(frozen=True)
class Variable:
    """One line of `.env`.

    Attributes:
        words: lines that say what it is.
        is_secret: it is never shown, and has no default in docker-compose.yml.
    """

    name: str
    words: tuple[str, ...]
    make: Make
    is_secret: bool = False


def store_url(values: Mapping[str, str]) -> str:
    """Return where the churn store is: in MariaDB when its profile is chosen, else in PostgreSQL."""
    if "mysql" in values["COMPOSE_PROFILES"].split(","):
        return f"mysql://churn:{values['HOLDFAST_MARIADB_PASSWORD']}@mariadb:3306/churn"
    return f"postgresql+psycopg://churn:{values['HOLDFAST_CHURN_PASSWORD']}@postgres:5432/churn"


def redis_url(values: Mapping[str, str]) -> str:
    """Return where rate limits are counted; empty when each door counts for itself."""
    if "redis" in values["COMPOSE_PROFILES"].split(","):
        return f"redis://:{values['HOLDFAST_REDIS_PASSWORD']}@redis:6379/0"
    return ""


def _plain(name: str, value: str, *words: str) -> Variable:
    return Variable(name, words, lambda _: value)


def _made(name: str, make: Make, *words: str) -> Variable:
    return Variable(name, words, make)


def _secret(name: str, *words: str) -> Variable:
    return Variable(name, words, lambda _: new_secret(), is_secret=True)


def new_secret() -> str:
    """Return 32 random bytes as text that may stand in an address, and that no command takes for an option."""
    while (made := secrets.token_urlsafe(32)).startswith("-"):
        pass
    return made


def _cores() -> int:
    return os.cpu_count() or 1


VARIABLES = (
    _plain("COMPOSE_PROJECT_NAME", "holdfast", "Names of containers, volumes and the network begin with it."),
    _plain(
        "COMPOSE_PROFILES", USUAL_PROFILES,
        "What runs: core, monitoring, grafana, mysql (the churn store in MariaDB), redis (doors count together), demo.",
        "Change it with `make secrets PROFILES=…`: addresses further below depend on it.",
    ),
    _made("HOLDFAST_NET", lambda _: networks.free_net(), "The first three numbers of the network's addresses."),
    _plain("HOLDFAST_TAG", "local", "Of our own images."),
    _plain("HOLDFAST_BUILD_NETWORK", "default", "The network of builds; `host` where the default one reaches nothing."),
    _plain("HOLDFAST_MODEL", "churn", "Name of the registered model that is trained, promoted and served."),
    _plain("HOLDFAST_FRONT_PORT", "8080", "Of the front, the only port that is open on all addresses of this host."),
    _plain("HOLDFAST_MLFLOW_PORT", "5000", "The others are open on 127.0.0.1 only: `ssh -L` brings them to you."),
    _plain("HOLDFAST_PROMETHEUS_PORT", "9090"),
    _plain("HOLDFAST_ALERTMANAGER_PORT", "9093"),
    _plain("HOLDFAST_GRAFANA_PORT", "3001"),
    _plain("HOLDFAST_REPORTS_PORT", "9300"),
    _plain("HOLDFAST_PREDICT_ACCESS", "open", "Who may predict: open, or key (an API key or a token has to be shown)."),
    _plain("HOLDFAST_ALLOWED_ORIGINS", "", "Origins, by comma, whose pages may call the doors from a browser."),
    _made(
        "HOLDFAST_DOOR_WORKERS", lambda _: str(min(max(_cores() // 2, 1), 4)),
        "Processes that answer at each of the two doors.",
    ),
    _made("HOLDFAST_CPUS", lambda _: str(_cores()), "Cores that one busy service may take; no more than there are."),
    _plain("HOLDFAST_DOOR_MEMORY", "2g", "Most memory of a door: about 300 MB a worker, and 300 MB."),
    _plain("HOLDFAST_TRAINING_MEMORY", "4g", "Most memory of the worker, and of the scheduler: they train."),
    _made(
        "HOLDFAST_MLFLOW_WORKERS", lambda _: str(min(max(_cores() // 2, 1), 4)),
        "Processes of the MLflow server, 250 MB each.",
    ),
    _plain("HOLDFAST_MLFLOW_NAMES", "", "Further names that MLflow answers to, each after a comma: `,mlflow.example`."),
    _plain(
        "HOLDFAST_ARTIFACTS", "/var/lib/mlflow/artifacts",
        "Where MLflow keeps artifacts: the volume `artifacts`, or s3://bucket/folder with the four variables below.",
    ),
    _plain("HOLDFAST_S3_ENDPOINT", "", "Empty: Amazon's own."),
    _plain("HOLDFAST_S3_REGION", ""),
    Variable("HOLDFAST_S3_ACCESS_KEY", (), lambda _: "", is_secret=True),
    Variable("HOLDFAST_S3_SECRET_KEY", (), lambda _: "", is_secret=True),
    _plain("HOLDFAST_PROMETHEUS_DAYS", "35", "How long Prometheus remembers; promises are kept over 30."),
    _plain(
        "HOLDFAST_PROMETHEUS", "./monitoring/prometheus",
        "Folder with prometheus.compose.yml and rules. A copy elsewhere, to change where links of alerts lead.",
    ),
    _plain(
        "HOLDFAST_ALERTMANAGER", "./monitoring/alertmanager",
        "Folder with alertmanager.yml. A copy elsewhere, with receivers and files of their secrets: docs/compose.md.",
    ),
    _plain("HOLDFAST_TRAFFIC_RATE", "2", "Profile demo: synthetic customers a second."),
    Variable(
        "HOLDFAST_TRAFFIC_KEY", ("Profile demo: an API key, when HOLDFAST_PREDICT_ACCESS is key.",), lambda _: "",
        is_secret=True,
    ),
    _secret("HOLDFAST_POSTGRES_PASSWORD", "PostgreSQL's superuser: at first start and for backups; no service has it."),
    _secret("HOLDFAST_MLFLOW_DATABASE_PASSWORD", "PostgreSQL's roles, one for each database."),
    _secret("HOLDFAST_MLFLOW_AUTH_DATABASE_PASSWORD"),
    _secret("HOLDFAST_OPTUNA_PASSWORD"),
    _secret("HOLDFAST_CHURN_PASSWORD"),
    _secret("HOLDFAST_MARIADB_ROOT_PASSWORD", "Profile mysql: MariaDB's root, and the role of the churn store."),
    _secret("HOLDFAST_MARIADB_PASSWORD"),
    _secret("HOLDFAST_REDIS_PASSWORD", "Profile redis."),
    Variable(
        "HOLDFAST_STORE_URL",
        ("The churn store: predictions, outcomes, people, jobs. Another server of yours may stand here.",),
        store_url, is_secret=True,
    ),
    Variable(
        "HOLDFAST_REDIS_URL", ("Where the doors count rate limits together; empty: each for itself.",), redis_url,
        is_secret=True,
    ),
    _secret("HOLDFAST_MLFLOW_ADMIN_PASSWORD", "MLflow's account `admin`, for people: set at first start."),
    _secret("HOLDFAST_MLFLOW_DOORS_PASSWORD", "MLflow's account `doors`, which reads; brought in at each start."),
    _secret("HOLDFAST_MLFLOW_PIPELINES_PASSWORD", "MLflow's account `pipelines`, which trains and promotes; likewise."),
    _secret("HOLDFAST_MLFLOW_FLASK_SECRET", "Signs MLflow's forms."),
    _secret("HOLDFAST_TOKEN_SECRET", "Signs the tokens of people who signed in at the doors."),
    Variable(
        "HOLDFAST_TOKEN_SECRET_BEFORE",
        ("The one before it, while tokens that it signed shall hold: an hour after a change.",),
        lambda _: "", is_secret=True,
    ),
    _secret("HOLDFAST_AUDIT_KEY", "Signs the anchors of the log: with another one, older anchors can't be checked."),
    _secret("HOLDFAST_WEBHOOK_SECRET", "Signs what MLflow's webhook sends to the doors."),
    _secret("HOLDFAST_GRAFANA_PASSWORD", "Profile grafana: its account `admin`, set at first start."),
)  # fmt: skip
"""All of them, in the order of the file; a value is made of those before it."""
