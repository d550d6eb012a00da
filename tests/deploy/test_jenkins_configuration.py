"""The Jenkins that is configured as code: no secret in it, nothing built on the controller, one job."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "jenkins"
VARIABLE = re.compile(r"\$\{[A-Z][A-Z0-9_]*\}\Z")
PLUGINS = {  # what of it the Jenkinsfile and the configuration use
    "configuration-as-code": "jenkins.yaml itself",
    "credentials-binding": "withCredentials",
    "git": "checkout",
    "job-dsl": "jobs",
    "junit": "junit",
    "lockable-resources": "lock",
    "matrix-auth": "globalMatrix",
    "pipeline-milestone-step": "milestone",
    "timestamper": "timestamps",
    "workflow-aggregator": "pipeline",
}


@pytest.fixture(scope="module")
def configuration() -> dict[str, Any]:
    found = yaml.safe_load((FOLDER / "jenkins.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def values(found: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Every scalar with the name that it stands under."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield from values(value, str(key))
    elif isinstance(found, list):
        for value in found:
            yield from values(value, name)
    else:
        yield name, found


def test_every_secret_is_a_variable_without_a_default(configuration: dict[str, Any]) -> None:
    secrets = [value for name, value in values(configuration) if name in {"password", "secret", "token", "privateKey"}]

    assert len(secrets) >= 5
    assert [value for value in secrets if not VARIABLE.match(str(value))] == []


def test_nobody_may_use_the_script_console_but_the_administrator(configuration: dict[str, Any]) -> None:
    entries = configuration["jenkins"]["authorizationStrategy"]["globalMatrix"]["entries"]
    rights = {each["user"]["name"]: set(each["user"]["permissions"]) for each in entries}

    administrators = [name for name, found in rights.items() if found & {"Overall/Administer", "Overall/RunScripts"}]
    assert administrators == ["${JENKINS_ADMIN_ID}"]
    assert not {"anonymous", "authenticated"} & set(rights)
    assert rights["mlflow"] == {"Overall/Read", "Job/Read", "Job/Build"}


def test_nobody_signs_himself_up(configuration: dict[str, Any]) -> None:
    assert configuration["jenkins"]["securityRealm"]["local"]["allowsSignup"] is False


def test_nothing_is_built_on_the_controller(configuration: dict[str, Any]) -> None:
    assert configuration["jenkins"]["numExecutors"] == 0


def test_the_agent_has_the_label_that_the_pipeline_asks_for(configuration: dict[str, Any]) -> None:
    asked = set(re.findall(r"label '([^']+)'|node\('([^']+)'\)", (ROOT / "Jenkinsfile").read_text(encoding="utf-8")))
    labels = {each["permanent"]["labelString"] for each in configuration["jenkins"]["nodes"]}

    assert {name for pair in asked for name in pair if name} == labels


def test_the_credentials_are_those_that_the_pipeline_binds(configuration: dict[str, Any]) -> None:
    text = (ROOT / "Jenkinsfile").read_text(encoding="utf-8")
    bound = set(re.findall(r"credentials\('([^']+)'\)|credentialsId: '([^']+)'", text))
    made = configuration["credentials"]["system"]["domainCredentials"][0]["credentials"]

    assert {name for pair in bound for name in pair if name} == {each["string"]["id"] for each in made}


def test_the_lock_is_the_one_that_the_pipeline_takes(configuration: dict[str, Any]) -> None:
    declared = configuration["unclassified"]["lockableResourcesManager"]["declaredResources"]
    taken = set(re.findall(r"lock\(resource: '([^']+)'\)", (ROOT / "Jenkinsfile").read_text(encoding="utf-8")))

    assert taken == {each["name"] for each in declared}


def test_the_job_is_the_jenkinsfile_of_the_repository(configuration: dict[str, Any]) -> None:
    (job,) = configuration["jobs"]

    assert "pipelineJob('holdfast')" in job["script"]
    assert "scriptPath('Jenkinsfile')" in job["script"]
    assert "url('${HOLDFAST_REPOSITORY}')" in job["script"]


def test_whoever_answers_the_input_is_known_to_jenkins(configuration: dict[str, Any]) -> None:
    submitter = re.findall(r"submitter '([^']+)'", (ROOT / "Jenkinsfile").read_text(encoding="utf-8"))
    users = {each["id"] for each in configuration["jenkins"]["securityRealm"]["local"]["users"]}

    assert set(submitter) <= users


def test_every_plugin_is_pinned_and_none_is_missing() -> None:
    lines = (FOLDER / "plugins.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line.partition(":") for line in lines if line and not line.startswith("#")]

    assert {name for name, _, _ in pinned} == set(PLUGINS)
    assert [name for name, _, version in pinned if not re.match(r"[0-9]", version)] == []


def test_no_image_is_of_an_unknown_version_and_the_controller_is_never_root() -> None:
    text = (FOLDER / "Dockerfile").read_text(encoding="utf-8")

    assert re.search(r"^FROM jenkins/jenkins:[0-9.]+-lts-jdk21$", text, re.MULTILINE)
    assert "USER root" not in text
    assert (FOLDER / "agent.Dockerfile").read_text(encoding="utf-8").rstrip().splitlines()[-2] == "USER jenkins"
