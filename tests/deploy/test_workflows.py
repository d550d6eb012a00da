"""The GitHub workflows: the same commands as Jenkins, least rights, and no input that becomes code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.jenkins.words import fault_of, unquoted

FOLDER = Path(__file__).parent.parent.parent / ".github" / "workflows"
NAMES = ("ci", "promotion")
STAGES = ["train", "evaluate", "register", "gate", "build", "staging", "smoke", "load"]


def workflow(name: str) -> dict[Any, Any]:
    found = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


RUNS = sorted({step["run"] for name in NAMES for step in steps(name) if "run" in step})


@pytest.mark.parametrize("line", RUNS)
def test_a_run_line_is_one_command_of_the_project_with_options_that_exist(line: str) -> None:
    assert fault_of(line) == ""


@pytest.mark.parametrize("line", RUNS)
def test_no_input_becomes_code(line: str) -> None:
    assert "${{" not in line
    assert unquoted(line) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_may_only_read(name: str) -> None:
    found = workflow(name)

    assert found["permissions"] == {"contents": "read"}
    assert [job for job in found["jobs"].values() if "permissions" in job] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_of_a_known_major_version_and_leaves_no_token_behind(name: str) -> None:
    used = [step for step in steps(name) if "uses" in step]

    assert [step["uses"] for step in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])] == []
    checkouts = [step for step in used if step["uses"].startswith("actions/checkout@")]
    assert [step for step in checkouts if step["with"]["persist-credentials"] is not False] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_job_ends_in_some_time(name: str) -> None:
    assert [name for name, job in workflow(name)["jobs"].items() if not job.get("timeout-minutes")] == []


def test_the_stages_are_those_of_the_jenkinsfile_and_a_person_stands_before_production() -> None:
    jobs = workflow("promotion")["jobs"]

    assert [step["name"] for step in jobs["candidate"]["steps"] if step.get("name") in STAGES] == STAGES
    assert jobs["release"]["needs"] == "candidate"
    assert jobs["release"]["environment"] == "production"
    assert [step["name"] for step in jobs["release"]["steps"] if "name" in step] == ["promote", "watch", "rollback"]


def test_one_release_at_a_time_and_none_is_cut_off() -> None:
    assert workflow("promotion")["concurrency"] == {"group": "holdfast-production", "cancel-in-progress": False}


def test_no_change_of_a_stranger_reaches_a_machine_of_ours() -> None:
    """A pull request runs on GitHub's machines; ours, with the stores behind them, only do what we start."""
    triggers = workflow("promotion")[True]  # YAML 1.1 reads `on` as true

    assert set(triggers) == {"workflow_dispatch", "schedule"}
    assert {job["runs-on"] for job in workflow("ci")["jobs"].values()} == {"ubuntu-24.04"}
