"""Versions of a stack without the minutes of a training: small bundles, made here and registered at its MLflow.

As a program, at the MLflow that the environment names: `make FOLDER` registers two versions, `move N` moves the alias.
"""

import subprocess
import sys
from pathlib import Path

from churn.bundle.files import digest_of
from churn.contract.reading import load_contract
from churn.settings import Settings, environment_for_children
from churn.stores.registry import ModelRegistry
from tests.bundles import small_bundle
from tests.compose.stack import ROOT, Stack
from tests.faults.doors import wait_until

MODEL, OK = "churn", 200
SERVED_SECONDS = 120.0
CONTRACT = ROOT / "contracts" / "telco.yaml"


def seed(stack: Stack, folder: Path) -> None:
    """Register versions 1 and 2 at a running stack, put the first in production, and wait until it answers."""
    _run(stack, "make", str(folder))
    wait_until(lambda: stack.predict().status_code == OK, "version 1 answers", seconds=SERVED_SECONDS)


def move(stack: Stack, version: int) -> None:
    """Let another version be in production, as a promotion's last step does."""
    _run(stack, "move", str(version))


def _run(stack: Stack, *words: str) -> None:
    environment = environment_for_children(
        MLFLOW_TRACKING_URI=stack.url("mlflow"),
        MLFLOW_TRACKING_USERNAME="pipelines",
        MLFLOW_TRACKING_PASSWORD=stack.settings["HOLDFAST_MLFLOW_PIPELINES_PASSWORD"],
        MLFLOW_HTTP_REQUEST_TIMEOUT="60",
        MLFLOW_DISABLE_TELEMETRY="true",
        CHURN_MODEL=MODEL,
    )
    command = [sys.executable, "-m", "tests.compose.seeding", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


def main(word: str, rest: str) -> None:
    """Do what `seed` or `move` asks, in a process of its own: mlflow keeps its address in the environment."""
    registry = ModelRegistry(Settings().tracking_uri)
    if word == "make":
        make(registry, Path(rest))
        return
    registry.move_production(registry.version(MODEL, int(rest)))


def make(registry: ModelRegistry, folder: Path) -> None:
    """Make and register two, and point the alias at the first."""
    import mlflow

    from pipelines.logged_model import log_bundle

    contract, bundles = load_contract(CONTRACT), []
    mlflow.set_tracking_uri(Settings().tracking_uri)
    mlflow.set_experiment("seed")
    for seed_number in (0, 1):
        made = folder / str(seed_number) / "bundle"  # its name in the logged model
        small_bundle(made, contract, seed=seed_number)
        with mlflow.start_run() as run:
            model = log_bundle(made, contract)
        bundles.append(registry.register(MODEL, model, run_id=run.info.run_id, digest=digest_of(made), tags={}))
    registry.move_production(bundles[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
