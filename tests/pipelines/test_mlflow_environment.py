"""The project in an environment that MLflow builds itself: nothing of ours is there but the clone and the lock."""

import subprocess
import sys
from pathlib import Path

import pytest

from churn.data.sampler_file import write_sample
from churn.settings import environment_for_children

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent


def test_mlflow_run_trains_in_an_environment_that_it_built_from_the_lock(tmp_path: Path) -> None:
    clone, data, environments = tmp_path / "holdfast", tmp_path / "customers.csv", tmp_path / "environments"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)  # noqa: S607
    write_sample(data, 400, seed=3)
    words = ["-e", "train", "--env-manager", "uv", "-P", f"data={data}", "-P", "trials=1", "-P", "candidates=logistic"]

    answer = subprocess.run(
        [str(BIN / "mlflow"), "run", ".", *words],
        cwd=clone,
        env=environment_for_children(PATH=f"{BIN}:/usr/bin:/bin", MLFLOW_ENV_ROOT=str(environments)),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr[-4000:]
    assert "the graph equals the pipeline" in answer.stdout
    (made,) = environments.iterdir()
    assert (made / "bin" / "python").exists()
