"""Promtool on a rule's own tests, and on many broken copies of it at once."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from churn.settings import environment_for_children
from monitoring.rules import FOLDER
from tests.monitoring.programs import require

TESTS = Path(__file__).parent
PLACE = re.compile(r"(?:alertname|expr): (.+?), *time:")

Rule = dict[str, Any]


def promtool(*arguments: str | Path) -> str:
    """Return what it said, or why it was not content."""
    command = [require("promtool", "prometheus"), *map(str, arguments)]
    environment = environment_for_children(GOGC="1000")  # a third of its time is spent on its memory
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def survivors(rule: Rule, copies: Mapping[str, Rule], groups: list[Rule], folder: Path) -> list[str]:
    """Return the broken copies that the rule's tests do not tell from the rule.

    Args:
        rule: as it is in its file.
        copies: by what was broken in them.
        groups: those that the copies stand on: the recording rules, or none.
        folder: scratch.
    """
    kind = "alert" if "alert" in rule else "record"
    names = {f"{rule[kind]}_broken{number}": words for number, words in enumerate(copies)}
    renamed = [{**copies[words], kind: name} for name, words in names.items()]
    path = TESTS / ("recording.yml" if kind == "record" else f"{rule[kind]}.yml")
    tests = yaml.safe_load(path.read_text("utf-8"))
    (folder / "rules.yml").write_text(json.dumps({"groups": [*groups, {"name": "broken", "rules": renamed}]}), "utf-8")
    tests["rule_files"] = ["rules.yml"]
    tests["group_eval_order"] = [*(group["name"] for group in groups), "broken"]
    tests["tests"] = [_for_each(test, rule[kind], list(names)) for test in tests["tests"]]
    (folder / "tests.yml").write_text(json.dumps(tests), "utf-8")
    said = promtool("test", "rules", folder / "tests.yml")
    found = {name for line in PLACE.findall(said) for name in re.findall(r"[\w:]+_broken\d+", line)}
    assert "_broken" in said, said
    return [words for name, words in names.items() if name not in found]


def _for_each(test: Rule, name: str, broken: list[str]) -> Rule:
    """Ask of each broken copy what a test asks of the rule."""
    alerts = [{**each, "alertname": copy} for each in test.get("alert_rule_test", []) for copy in broken]
    values = [
        json.loads(re.sub(rf"{name}\b", copy, json.dumps(each))) for each in _about(test, name) for copy in broken
    ]
    return {**test, "alert_rule_test": alerts, "promql_expr_test": values}


def _about(test: Rule, name: str) -> list[Rule]:
    return [each for each in test.get("promql_expr_test", []) if re.search(rf"{name}\b", each["expr"])]


def rule_files() -> list[Path]:
    """Return every file of rules."""
    return sorted(FOLDER.glob("*.yml"))
