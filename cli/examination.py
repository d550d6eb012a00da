"""What `churn doctor` looks at, one function per subject; each yields findings and never raises."""

import shutil
import socket
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from churn.contract.reading import load_contract
from churn.errors import ChurnError
from churn.settings import Settings
from churn.stores.agreement import strays
from churn.stores.database import is_current, open_database
from churn.stores.promotions import PromotionLog
from churn.stores.registry import ModelRegistry

LOCKED = (
    "bentoml", "catboost", "category-encoders", "evidently", "fastapi", "mlflow", "mlflow-skinny", "numpy",
    "onnxruntime", "optuna", "pandas", "prometheus-client", "scikit-learn", "sqlalchemy", "starlette",
)  # fmt: skip
"""Packages whose version changes answers or breaks things (see docs/decisions)."""

TRAINING_ONLY = {"catboost", "category-encoders", "evidently", "mlflow", "optuna", "pandas", "scikit-learn"}
PORTS = {"bento": 3000, "fastapi": 8000, "MLflow": 5000}
LEAST_FREE_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` is empty when it is well."""

    what: str
    state: Literal["ok", "warning", "error"]
    cause: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """Look at everything, in the order in which things depend on each other."""
    settings = Settings()
    yield from _python()
    yield from _versions(Path("uv.lock"))
    yield from _disk(settings)
    yield from _contracts(Path("contracts"))
    yield from _databases(settings)
    yield from _store(settings)
    yield from _registry(settings)
    yield from _moves(settings)
    yield from _ports()


def _python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] in {(3, 11), (3, 12)}:
        yield Finding("python", "ok", found)
    else:
        yield Finding("python", "error", f"{found} is not 3.11 or 3.12", "make setup PYTHON=python3.11")


def _versions(lock: Path) -> Iterator[Finding]:
    if not lock.is_file():
        yield Finding("versions", "warning", "there is no uv.lock in this folder", "run it in the project's folder")
        return
    wanted = {one["name"]: one["version"] for one in tomllib.loads(lock.read_text())["package"] if "version" in one}
    wrong = [text for name in LOCKED if (text := _version_problem(name, wanted[name]))]
    if wrong:
        yield Finding("versions", "error", "; ".join(wrong), "make setup, and use .venv/bin")
    else:
        yield Finding("versions", "ok", f"{len(LOCKED)} packages are as locked")


def _version_problem(name: str, wanted: str) -> str:
    try:
        found = version(name)
    except PackageNotFoundError:
        return "" if name in TRAINING_ONLY else f"{name} is not installed"
    return "" if found == wanted else f"{name} is {found}, locked is {wanted}"


def _disk(settings: Settings) -> Iterator[Finding]:
    place = next(folder for folder in (settings.home.resolve(), *settings.home.resolve().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    said = f"{free / 2**30:.1f} GiB free under {settings.home.resolve()}"
    if free < LEAST_FREE_BYTES:
        yield Finding(
            "disk", "warning", said, "make room, or point CHURN_HOME elsewhere: predictions are spooled there"
        )
    else:
        yield Finding("disk", "ok", said)


def _contracts(folder: Path) -> Iterator[Finding]:
    for path in sorted(folder.glob("*.yaml")):
        yield from _guarded(f"contract {path.name}", "correct the file", partial(_contract, path))


def _contract(path: Path) -> Finding:
    contract = load_contract(path)
    return Finding(f"contract {path.name}", "ok", f"{len(contract.columns)} columns, {len(contract.derived)} derived")


def _databases(settings: Settings) -> Iterator[Finding]:
    addresses = [settings.tracking_uri, settings.database_url, settings.optuna_url]
    if len(set(addresses)) < len(addresses):
        yield Finding(
            "databases", "error", "two of MLflow, churn store and Optuna share a database",
            "give each its own: CHURN_TRACKING_URI, CHURN_DATABASE_URL, CHURN_OPTUNA_URL",
        )  # fmt: skip
    else:
        yield Finding("databases", "ok", "MLflow, churn store and Optuna have one each")


def _store(settings: Settings) -> Iterator[Finding]:
    if (
        settings.database_url.startswith("sqlite")
        and not (settings.home / "churn.db").exists()
        and not settings.database
    ):
        yield Finding("churn store", "warning", "not made yet", "`churn promote` or `churn serve` makes it")
        return
    yield from _guarded(
        "churn store", "start the database, or correct CHURN_DATABASE_URL", partial(_migrated, settings)
    )


def _migrated(settings: Settings) -> Finding:
    if is_current(open_database(settings.database_url)):
        return Finding("churn store", "ok", "reachable and migrated")
    return Finding("churn store", "warning", "its tables are behind", "`churn promote` or `churn serve` migrates them")


def _registry(settings: Settings) -> Iterator[Finding]:
    shown = settings.tracking_uri
    if shown.startswith("sqlite:///") and not Path(shown.removeprefix("sqlite:///")).exists():
        yield Finding("MLflow", "warning", f"{shown} is not there yet", "`churn ring` or `mlflow run .` makes it")
        return
    remedy = "start `mlflow server`, or correct CHURN_TRACKING_URI; 403 means: add this host to --allowed-hosts"
    yield from _guarded("MLflow", remedy, partial(_production, settings))


def _production(settings: Settings) -> Finding:
    production = ModelRegistry(settings.tracking_uri).production(settings.model)
    if production is None:
        cause = f"{settings.tracking_uri} answers; no version of {settings.model} is in production"
        return Finding("MLflow", "warning", cause, "run `churn ring`, or `churn promote`")
    where = f"{settings.tracking_uri} answers; {settings.model} version {production.version} is in production"
    return Finding("MLflow", "ok", where)


def _moves(settings: Settings) -> Iterator[Finding]:
    """Say whether log and registry agree; nothing where one of both is not there, which was said already."""
    file = settings.tracking_uri.removeprefix("sqlite:///")
    if file != settings.tracking_uri and not Path(file).exists():
        return
    try:
        engine = open_database(settings.database_url)
        log = PromotionLog(engine) if is_current(engine) else None
    except ChurnError:
        return
    if log is not None:
        remedy = "start what did not answer"
        yield from _guarded("moves", remedy, partial(_agreement, log, settings))


def _agreement(log: PromotionLog, settings: Settings) -> Finding:
    outside = strays(ModelRegistry(settings.tracking_uri), log, settings.model)
    unfinished = log.unfinished(settings.model)
    said = [*map(str, outside), *(f"a {one.action} of {one.alias} by {one.actor} never ended" for one in unfinished)]
    if not said:
        return Finding("moves", "ok", "every alias is where our log says")
    return Finding("moves", "warning", "; ".join(said), "look at `churn reconcile --dry-run`, then `churn reconcile`")


def _ports() -> Iterator[Finding]:
    for name, port in PORTS.items():
        with socket.socket() as probe:
            probe.settimeout(0.5)
            is_taken = probe.connect_ex(("127.0.0.1", port)) == 0
        if is_taken:
            yield Finding(f"port {port}", "warning", "something listens there", f"fine if it is {name}; else --port N")
        else:
            yield Finding(f"port {port}", "ok", f"free for {name}")


def _guarded(what: str, remedy: str, look: Callable[[], Finding]) -> Iterator[Finding]:
    try:
        yield look()
    except ChurnError as error:
        yield Finding(what, "error", str(error), remedy)
