"""The project as MLflow runs and serves it: from a clean clone, and with nothing of ours in the way."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from churn.contract.reading import load_contract
from churn.data.sampler_file import write_sample
from churn.scoring.loading import load_scorer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Clone:
    """A clean clone, and what a shell in it knows: the tools, and no setting at all."""

    folder: Path

    def environment(self) -> dict[str, str]:
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
        return {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(self.folder.parent), "USER": "tester", **quiet}

    def run(self, *words: str | Path) -> str:
        answer = subprocess.run(
            [str(BIN / str(words[0])), *map(str, words[1:])],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert answer.returncode == 0, f"{words}: {answer.stdout[-2000:]}{answer.stderr[-4000:]}"
        return answer.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Trained by `mlflow run . -e train`, then evaluated, registered and promoted on the command line."""
    folder = tmp_path_factory.mktemp("clone")
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder / "holdfast")], check=True)  # noqa: S607
    made = Clone(folder / "holdfast")
    write_sample(folder / "my customers.csv", 400, seed=3)
    local = ("--env-manager", "local", "-P", f"data={folder / 'my customers.csv'}")
    made.run("mlflow", "run", ".", "-e", "train", *local, "-P", "trials=1", "-P", "candidates=logistic")
    made.run("churn", "evaluate")
    made.run("churn", "register")
    made.run("churn", "promote", "--reason", "first")
    return made


def test_the_command_line_finds_what_mlflow_run_trained(clone: Clone) -> None:
    found = json.loads(clone.run("churn", "status", "--json"))

    assert found["production"]["version"] == 1
    assert (clone.folder / "mlflow.db").is_file()
    assert not (clone.folder / "var" / "mlflow.db").exists()


def test_mlflow_run_goes_the_other_stages_too(clone: Clone) -> None:
    clone.run("mlflow", "run", ".", "-e", "evaluate", "--env-manager", "local")
    clone.run("mlflow", "run", ".", "-e", "register", "--env-manager", "local")
    clone.run("mlflow", "run", ".", "-e", "promote", "--env-manager", "local", "-P", "reason=it's $(touch oops) `x`")

    found = json.loads(clone.run("churn", "status", "--json"))
    assert found["history"][0]["reason"] == "it's $(touch oops) `x`"
    assert not (clone.folder / "oops").exists()
    assert [one["version"] for one in found["versions"]] == [1]


@pytest.fixture(scope="module")
def served(clone: Clone) -> Iterator[str]:
    """`mlflow models serve` of production."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {
        **clone.environment(),
        "MLFLOW_TRACKING_URI": f"sqlite:///{clone.folder / 'mlflow.db'}",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    }
    words = ["models", "serve", "-m", "models:/churn@production", "--env-manager", "local", "--port", str(port)]
    process = subprocess.Popen(
        [str(BIN / "mlflow"), *words],
        cwd=clone.folder,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/ping")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _wait_for(address: str) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(address, timeout=2)  # noqa: S310
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail(f"{address} did not answer within two minutes")


def _invoke(address: str, body: dict[str, object]) -> list[float]:
    request = urllib.request.Request(  # noqa: S310
        f"{address}/invocations", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return [row["churn_probability"] for row in json.loads(answer.read())["predictions"]]


def test_mlflow_serves_production_and_agrees_with_the_scorer(clone: Clone, served: str) -> None:
    bundles = [path for path in (clone.folder / "var" / "bundles").iterdir() if len(path.name) == 64]
    scorer = load_scorer(bundles[0], name="churn", version=1)
    contract = load_contract(clone.folder / "contracts" / "telco.yaml")
    full = {
        name: float(value) if contract.columns[name].is_numeric else value for name, value in contract.example.items()
    }
    bare = {name: full[name] for name in contract.required_columns}
    nulls = {name: value if name in bare else None for name, value in full.items()}

    records = _invoke(served, {"dataframe_records": [full]})
    split = _invoke(
        served, {"dataframe_split": {"columns": list(full), "data": [list(full.values()), list(nulls.values())]}}
    )
    missing = _invoke(served, {"dataframe_records": [bare]})

    ours = [scorer.score_row(scorer.form.read(json.dumps(row).encode()).row) for row in (contract.example, bare)]
    np.testing.assert_allclose([*records, *missing], ours, atol=1e-6)
    np.testing.assert_allclose(split, ours, atol=1e-6)
