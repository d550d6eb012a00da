"""`churn build` in a BentoML store of the test's own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn.settings import environment_for_children
from cli.main import app

ROOT = Path(__file__).parent.parent.parent


def test_a_folder_without_code_is_refused_with_what_to_do(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["build", "--source", str(tmp_path)])

    assert answer.exit_code == 1
    assert "has no bentofile.yaml: run this at the repository's root" in str(answer.exception)


@pytest.mark.slow
def test_the_bento_is_built_exported_and_named(tmp_path: Path) -> None:
    words = ["build", "--source", str(ROOT), "--bento-version", "tested", "--archive", "reports/churn.bento", "--json"]

    built = _churn(*words, folder=tmp_path)
    again = _churn(*words, folder=tmp_path)

    assert built.returncode == 0, built.stderr[-2000:]
    found = json.loads(built.stdout)
    assert found["tag"] == "churn:tested"
    assert (Path(found["folder"]) / "src" / "services" / "bento.py").is_file()
    assert (tmp_path / "reports" / "churn.bento").stat().st_size > 10_000
    assert again.returncode == 4, "a conflict"
    assert "already exists" in again.stderr


def _churn(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *words],
        cwd=folder,
        env=environment_for_children(BENTOML_HOME=str(folder / "shelf"), PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
