"""`churn retrain` on the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from churn.errors import UsageError
from churn.settings import environment_for_own_children
from churn.stores.database import open_migrated
from churn.stores.leases import hold_lease
from cli.retrain import retrain


def churn(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: the command lowers its priority for good."""
    command = [sys.executable, "-m", "cli.main", "retrain", *words]
    environment = {**environment_for_own_children(), "CHURN_HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)


def test_while_another_is_at_work_it_says_whose_it_is_and_ends_with_75(tmp_path: Path) -> None:
    engine = open_migrated(f"sqlite:///{tmp_path / 'churn.db'}")
    with hold_lease(engine, "retrain:churn", owner="somebody else", seconds=3600):
        busy = churn(tmp_path)

    assert busy.returncode == 75, busy.stderr
    assert "held by somebody else" in busy.stderr


@pytest.mark.slow
def test_what_was_decided_is_told_to_programs(tmp_path: Path) -> None:
    waits = churn(tmp_path, "--json")

    assert waits.returncode == 0, waits.stderr
    found = json.loads(waits.stdout)
    assert (found["number"], found["decision"], found["version"]) == (1, "wait", None)
    assert "nothing is in production" in found["reasons"][0]


def test_who_forces_it_has_to_say_why() -> None:
    with pytest.raises(UsageError, match="--force needs --reason"):
        retrain(force=True, reason="  ")
