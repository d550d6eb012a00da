"""The scrape configuration and its rules, as Prometheus' own tool reads them."""

import subprocess
from pathlib import Path

import pytest

from tests.monitoring.programs import require

FOLDER = Path(__file__).parents[2] / "monitoring" / "prometheus"


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus.compose.yml"])
def test_promtool_accepts_the_configuration(name: str) -> None:
    tool = require("promtool", "prometheus")
    done = subprocess.run([tool, "check", "config", str(FOLDER / name)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
