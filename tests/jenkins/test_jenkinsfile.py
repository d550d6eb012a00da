"""The Jenkinsfile as a text: its shell lines are our commands, its stages our words, its quotes safe."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.jenkins.driver import ROOT, described
from tests.jenkins.words import fault_of, unquoted

TEXT = (ROOT / "Jenkinsfile").read_text(encoding="utf-8")
SHELLS = re.findall(r"(?:\bsh |script: )'([^'\n]+)'", TEXT)
WORDS = [
    *("check", "test", "train", "evaluate", "register", "gate", "build", "staging", "smoke", "load"),
    *("approve", "promote", "watch"),
]


def test_there_are_shell_lines_to_look_at() -> None:
    assert len(SHELLS) == len(re.findall(r"\bsh[ (]", re.sub(r"//.*", "", TEXT))) > 20


@pytest.mark.parametrize("line", sorted(set(SHELLS)))
def test_a_shell_line_is_one_command_of_the_project_with_options_that_exist(line: str) -> None:
    assert fault_of(line) == ""


@pytest.mark.parametrize("line", sorted(set(SHELLS)))
def test_no_value_is_split_into_words_or_run_by_the_shell(line: str) -> None:
    assert unquoted(line) == []
    assert "eval " not in line


def test_no_shell_line_is_filled_in_by_groovy() -> None:
    assert re.findall(r'\bsh\s*\(?\s*(?:script:\s*)?"', TEXT) == []
    assert "'''" not in TEXT
    assert [line for line in SHELLS if "params." in line] == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (".venv/bin/churn promot --version 1", "no command promot"),
        (".venv/bin/churn promote --versions 1", "--versions"),
        (".venv/bin/churn staging upp --version 1", "no command upp"),
        ("make chek", "no target chek"),
        ("curl http://example.org", "no command of the project"),
    ],
)
def test_a_line_that_is_wrong_is_seen(line: str, fault: str) -> None:
    assert fault in fault_of(line)


def test_a_value_that_is_not_quoted_is_seen() -> None:
    assert unquoted('a "$QUOTED" $BARE ${OTHER:-x}') == ["$BARE", "${OTHER:-x}"]


def test_the_secrets_are_named_and_nowhere_written() -> None:
    assert set(re.findall(r"credentials\('([^']+)'\)", TEXT)) == {"holdfast-tracking-uri", "holdfast-database-url"}
    assert re.findall(r"(?i)password|token|secret", TEXT) == []


@pytest.fixture(scope="module")
def pipeline(classes: str) -> dict[str, Any]:
    return described(classes, ROOT / "Jenkinsfile")


def stages_of(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for stage in part["stages"] for each in (stage, *stages_of(stage))]


@pytest.mark.slow
def test_the_declarative_parts_are_where_jenkins_wants_them(pipeline: dict[str, Any]) -> None:
    assert pipeline["problems"] == []
    assert set(pipeline["options"]) == {"timestamps", "disableConcurrentBuilds", "buildDiscarder", "timeout"}
    assert [each["kind"] for each in pipeline["triggers"]] == ["cron"]
    assert len(pipeline["shells"]) == len(SHELLS)


@pytest.mark.slow
def test_the_stages_are_the_project_s_words_in_their_order(pipeline: dict[str, Any]) -> None:
    names = [stage["name"] for stage in stages_of(pipeline)]

    assert [name for name in names if name in WORDS] == WORDS


@pytest.mark.slow
def test_who_is_asked_holds_no_executor_and_is_not_waited_for_for_ever(pipeline: dict[str, Any]) -> None:
    (asking,) = [stage for stage in stages_of(pipeline) if stage["input"]]

    assert pipeline["agent"] is None
    assert asking["agent"] is None
    assert asking["options"]["timeout"] == {"time": 2, "unit": "DAYS"}
    assert asking["input"]["submitterParameter"] == "APPROVER"


@pytest.mark.slow
def test_checks_and_tests_see_no_secret(pipeline: dict[str, Any]) -> None:
    bound = {stage["name"] for stage in stages_of(pipeline) if "CHURN_DATABASE_URL" in stage["environment"]}

    assert bound == {"scheduled", "version", "release"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("steps { sh \"echo ${params.A}\" }", "single-quoted"),
        ("steps { if (true) { sh 'make check' } }", "only steps may stand in steps"),
        ("stepz { sh 'make check' }", "knows no stepz"),
        ("environment { A = 1 + 1 }\n steps { sh 'make check' }", "environment takes"),
        ("options { disableConcurrentBuilds() }\n steps { sh 'make check' }", "knows no disableConcurrentBuilds"),
        ("agent any", "exactly one of steps and stages"),
        ("input { ok 'Go' }\n steps { sh 'make check' }", "input needs a message"),
        ("steps { sh 'make check' }\n post { allways { sh 'make check' } }", "knows no allways"),
    ],
)  # fmt: skip
def test_what_jenkins_would_refuse_is_found(classes: str, tmp_path: Path, wrong: str, problem: str) -> None:
    path = tmp_path / "Jenkinsfile"
    path.write_text(f"pipeline {{\n agent none\n stages {{\n stage('one') {{\n {wrong}\n }}\n }}\n}}\n")

    assert problem in " ".join(described(classes, path)["problems"])
