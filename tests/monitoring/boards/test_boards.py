"""The boards as files: what is committed, where panels stand, what they ask for and where they lead."""

import json
import re
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from churn.metrics import CATALOGUE, Kind
from monitoring.boards.__main__ import FOLDER, write
from monitoring.boards.boards import BOARDS
from monitoring.boards.frame import ADDRESSES
from monitoring.boards.grafana import board_json
from monitoring.boards.panel import Board
from monitoring.rules import every_rule, read_rules

ROOT = Path(__file__).parents[3]
WIDTH = 24
METRIC = re.compile(r"\b(?:[a-z]+:churn_[a-z_]+:[a-z0-9_]+|churn_[a-z_]+|process_[a-z_]+|scrape_[a-z_]+)\b")
SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}
OF_PROMETHEUS_ALONE = {"Reached by Prometheus", "Alerts firing", "Firing and pending"}
OF_PROMETHEUS = {"scrape_duration_seconds"}
OF_PROCESSES = {
    "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
}  # fmt: skip
WITH_UNIT = {"none", "short", "percentunit", "s", "bytes", "reqps", "cps"}
EVERY_BOARD = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)


@cache
def built(board: Board) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(board_json(board))
    return found


def panels_of(board: Board) -> list[dict[str, Any]]:
    return [panel for panel in built(board)["panels"] if panel["type"] != "row"]


@cache
def known_metrics() -> set[str]:
    of_catalogue = {f"{metric.name}{suffix}" for metric in CATALOGUE for suffix in SUFFIXES[metric.kind]}
    recorded = {rule["record"] for _, rule in every_rule(read_rules()) if "record" in rule}
    return of_catalogue | recorded | OF_PROMETHEUS | OF_PROCESSES


def test_the_committed_boards_are_the_generated_ones(tmp_path: Path) -> None:
    write(tmp_path)

    committed = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}
    assert committed == {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}, (
        "run: python -m monitoring.boards"
    )


def test_a_board_that_is_no_more_loses_its_file(tmp_path: Path) -> None:
    (tmp_path / "ring.json").write_text("{}")

    write(tmp_path)

    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "business.json", "model.json", "pipelines.json", "service.json",
    ]  # fmt: skip


def test_boards_have_the_addresses_that_alerts_link_to() -> None:
    uids = {board.uid for board in BOARDS}

    assert uids == {"churn-service", "churn-model", "churn-business", "churn-pipelines"}
    links = [str(rule.get("annotations", {}).get("dashboard_url", "")) for _, rule in every_rule(read_rules())]
    assert {link.rpartition("/")[2] for link in links if link} <= uids


@EVERY_BOARD
def test_panels_have_numbers_of_their_own_which_do_not_depend_on_their_place(board: Board) -> None:
    numbers = {panel["title"]: panel["id"] for panel in built(board)["panels"]}
    turned = Board(board.name, board.title, board.text, board.rows[::-1], variables=board.variables)

    assert len(set(numbers.values())) == len(built(board)["panels"])
    assert {panel["title"]: panel["id"] for panel in built(turned)["panels"]} == numbers


@EVERY_BOARD
def test_panels_stand_beside_each_other_within_24_columns(board: Board) -> None:
    places = [panel["gridPos"] for panel in built(board)["panels"]]

    assert all(at["x"] >= 0 and at["x"] + at["w"] <= WIDTH for at in places)
    assert not [pair for pair in combinations(places, 2) if _overlap(*pair)]


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    is_below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not (is_beside or is_below)


@EVERY_BOARD
def test_panels_beside_each_other_fill_their_line(board: Board) -> None:
    lines: dict[int, list[dict[str, int]]] = {}
    for panel in built(board)["panels"]:
        lines.setdefault(panel["gridPos"]["y"], []).append(panel["gridPos"])

    assert {sum(at["w"] for at in line) for line in lines.values()} == {WIDTH}
    assert all(len({at["h"] for at in line}) == 1 for line in lines.values())


@EVERY_BOARD
def test_every_panel_has_a_unit_a_description_links_and_the_chosen_data_source(board: Board) -> None:
    for panel, text in zip(panels_of(board), board.panels, strict=True):
        unit = (
            panel["options"]["yAxis"]["unit"]
            if panel["type"] == "heatmap"
            else panel["fieldConfig"]["defaults"]["unit"]
        )
        assert unit in WITH_UNIT
        assert panel["description"].endswith(".")
        assert "  " not in panel["description"]
        assert panel["links"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
        assert len(panel["targets"]) == len(text.queries)


@EVERY_BOARD
def test_panels_ask_only_for_metrics_that_exist(board: Board) -> None:
    asked = {
        panel.title: {name for query, _ in panel.queries for name in METRIC.findall(query)} for panel in board.panels
    }
    known = known_metrics()

    assert not {title: names - known for title, names in asked.items() if names - known}
    assert {title for title, names in asked.items() if not names} <= OF_PROMETHEUS_ALONE


@EVERY_BOARD
def test_annotations_ask_only_for_metrics_that_exist(board: Board) -> None:
    marks = built(board)["annotations"]["list"]

    assert {mark["name"] for mark in marks} >= {"Moves of production", "Alerts"}
    assert {name for mark in marks for name in METRIC.findall(mark["expr"])} <= known_metrics()


@EVERY_BOARD
def test_every_variable_that_is_used_is_one_of_the_board(board: Board) -> None:
    text = board_json(board)
    known = {one["name"] for one in built(board)["templating"]["list"]} | {"__rate_interval"}

    assert set(re.findall(r"\$\{?(\w+)\}?", text)) <= known


@EVERY_BOARD
def test_a_rate_is_taken_over_the_interval_that_grafana_chooses(board: Board) -> None:
    rates = re.findall(
        r"\brate\([^\[]*\[([^\]]+)\]", " ".join(query for panel in board.panels for query, _ in panel.queries)
    )

    assert set(rates) <= {"$__rate_interval"}


@EVERY_BOARD
def test_every_link_leads_to_a_page_that_exists_or_to_one_of_the_addresses(board: Board) -> None:
    found = built(board)
    links = [*found["links"], *(link for panel in found["panels"] for link in panel.get("links", ()))]
    addresses = {link["url"] for link in links if link["type"] == "link"}

    assert all(re.match(r"^\$\{(\w+)\}/", address)[1] in ADDRESSES for address in addresses)  # type: ignore[index]
    pages = {address.removeprefix("${docs_url}/") for address in addresses if address.startswith("${docs_url}/")}
    assert not [page for page in pages if not (ROOT / "docs" / page).is_file()]


@EVERY_BOARD
def test_a_panels_runbook_is_an_alerts(board: Board) -> None:
    alerts = {rule["alert"] for _, rule in every_rule(read_rules()) if "alert" in rule}

    assert {panel.runbook for panel in board.panels if panel.runbook} <= alerts


def test_every_metric_of_the_catalogue_is_on_a_board() -> None:
    recorded = {rule["record"]: rule["expr"] for _, rule in every_rule(read_rules()) if "record" in rule}
    asked = {name for board in BOARDS for name in METRIC.findall(board_json(board))}
    while more := {name for one in asked & recorded.keys() for name in METRIC.findall(recorded[one])} - asked:
        asked |= more

    assert not [one.name for one in CATALOGUE if not asked & {f"{one.name}{end}" for end in SUFFIXES[one.kind]}]


def test_provisioning_keeps_the_boards_as_they_are_committed() -> None:
    folder = ROOT / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards" / "churn.yaml").read_text())["providers"]

    assert source["uid"] == "churn-prometheus"
    assert source["url"] == "$CHURN_PROMETHEUS_URL"
    assert (provider["disableDeletion"], provider["allowUiUpdates"]) == (True, False)
    assert provider["options"]["foldersFromFilesStructure"] is True
    assert not {"folder", "folderUid"} & provider.keys()
