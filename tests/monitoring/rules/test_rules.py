"""Every rule: accepted by promtool, tested, explained, and of metrics that exist."""

import re
from pathlib import Path

import pytest
import yaml

from churn.metrics import CATALOGUE, Metric
from monitoring.rules import FOLDER, Rule, alerts, every_rule, quickened, quickened_groups, read_rules, seconds
from tests.monitoring.rules.promtool import TESTS, promtool, rule_files

ROOT = FOLDER.parents[2]
FILES = read_rules()
ALERTS = alerts(FILES)
RECORDED = {rule["record"] for _, rule in every_rule(FILES) if "record" in rule}
BOARDS = {"churn-service", "churn-model", "churn-business", "churn-pipelines"}
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
WORDS = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"|\b(?:on|by|without|group_left|group_right|ignoring) \([^)]*\)")


def test_promtool_accepts_the_rules() -> None:
    assert promtool("check", "rules", *rule_files()) == ""


def test_every_rule_does_what_its_tests_say() -> None:
    assert promtool("test", "rules", *sorted(TESTS.glob("*.yml"))) == ""


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_tested_fires_and_does_not(name: str) -> None:
    tests = yaml.safe_load((TESTS / f"{name}.yml").read_text("utf-8"))["tests"]
    found = [check for test in tests for check in test["alert_rule_test"]]

    assert {check["alertname"] for check in found} == {name}
    assert any(check["exp_alerts"] for check in found)
    assert name == "ChurnWatchdog" or any(not check["exp_alerts"] for check in found)


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_every_recording_rule_is_tested(name: str) -> None:
    tests = yaml.safe_load((TESTS / "recording.yml").read_text("utf-8"))["tests"]
    asked = " ".join(check["expr"] for test in tests for check in test["promql_expr_test"])

    assert re.search(rf"{name}\b", asked)


def test_no_test_is_of_a_rule_that_is_gone() -> None:
    assert {path.stem for path in TESTS.glob("*.yml")} == {*ALERTS, "recording"}


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_says_how_bad_it_is_and_where_to_look(name: str) -> None:
    alert = ALERTS[name]
    said = alert["annotations"]

    assert set(alert["labels"]) == {"severity"}
    assert alert["labels"]["severity"] in {"page", "ticket", "info"}
    assert set(said) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert said["runbook_url"] == f"{{{{ $externalLabels.runbooks }}}}/{name}.md"
    assert said["dashboard_url"].removeprefix("{{ $externalLabels.grafana }}/d/") in BOARDS


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    pages = {path.stem: path.read_text("utf-8") for path in (ROOT / "docs" / "runbooks").glob("Churn*.md")}

    assert set(pages) == set(ALERTS)
    for name, page in pages.items():
        assert page.startswith(f"# {name}\n\n{ALERTS[name]['labels']['severity']}"), name
        for part in ("What it means", "What it does", "Look", "Mend", "When it is noise"):
            assert f"**{part}.**" in page, name


def test_the_page_on_alerts_lists_each_with_its_severity() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| (\w+) \|", page, re.MULTILINE))

    assert rows == {name: alert["labels"]["severity"] for name, alert in ALERTS.items()}


def test_rules_ask_only_for_metrics_that_exist() -> None:
    known = {"up", *RECORDED, *(f"{each.name}{end}" for each in CATALOGUE for end in SUFFIXES[each.kind])}
    asked = {name for _, rule in every_rule(FILES) for name in _metrics_in(rule["expr"])}

    assert asked - known == set()


def test_rules_select_by_labels_that_the_metrics_have() -> None:
    labels = {f"{each.name}{end}": _labels_of(each) for each in CATALOGUE for end in SUFFIXES[each.kind]}
    for _, rule in every_rule(FILES):
        for metric, selector in re.findall(r"(churn_\w+)\{([^}]*)\}", rule["expr"]):
            if metric in labels:
                assert set(re.findall(r"(\w+)(?:=|!)", selector)) <= labels[metric], rule


def test_a_rule_is_quickened_in_windows_offsets_ages_and_patience() -> None:
    rule: Rule = {
        "alert": "A",
        "expr": "sum(rate(a_rate5m[1h] offset 1d)) > 26 * 3600 and b[3d] > 0.5",
        "for": "1h30m",
        "labels": {"severity": "page"},
    }

    found = quickened(rule, 600, shortest_seconds=10)

    assert found["expr"] == "sum(rate(a_rate5m[10000ms] offset 144000ms)) > 156 and b[432000ms] > 0.5"
    assert found["for"] == "9000ms"
    assert found["labels"] == rule["labels"]
    assert rule["for"] == "1h30m"


def test_patience_is_never_quickened_to_nothing() -> None:
    assert quickened({"alert": "A", "expr": "a", "for": "1m"}, 6000)["for"] == "1000ms"
    assert "for" not in quickened({"alert": "A", "expr": "a"}, 6000)


def test_a_duration_may_have_several_parts() -> None:
    assert seconds("1d2h") == 26 * 3600


def test_promtool_accepts_quickened_rules(tmp_path: Path) -> None:
    for name, groups in FILES.items():
        quick = {"groups": quickened_groups(groups, 3000, every="1s")}
        (tmp_path / name).write_text(yaml.safe_dump(quick), "utf-8")

    assert promtool("check", "rules", *tmp_path.glob("*.yml")) == ""


def _metrics_in(expression: str) -> set[str]:
    bare = WORDS.sub(" ", expression)
    return set(re.findall(r"\b(?:up|churn_\w+|\w+:\w+:\w+)\b(?!\()", bare))


def _labels_of(metric: Metric) -> set[str]:
    return {*metric.labels, "job", "instance", *(("le",) if metric.kind == "histogram" else ())}
