"""A rule that is broken in any one way fails its tests."""

from pathlib import Path

import pytest

from monitoring.rules import every_rule, read_rules
from tests.monitoring.rules.mutants import Rule, mutants
from tests.monitoring.rules.promtool import survivors

FILES = read_rules()
RULES = [pytest.param(rule, id=rule.get("alert") or rule["record"]) for _, rule in every_rule(FILES)]


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_fails_its_tests(rule: Rule, tmp_path: Path) -> None:
    recording = FILES["recording.yml"] if "record" in rule else []

    assert survivors(rule, dict(mutants(rule)), recording, tmp_path) == []


def test_a_rule_that_is_not_broken_survives(tmp_path: Path) -> None:
    rule = next(rule for _, rule in every_rule(FILES) if rule.get("alert") == "ChurnDrift")
    broken = {"nothing": rule, "never": {**rule, "expr": "vector(0) > 1"}}

    assert survivors(rule, broken, [], tmp_path) == ["nothing"]
