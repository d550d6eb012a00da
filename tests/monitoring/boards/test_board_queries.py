"""Every query is PromQL, by the word of Prometheus' own tool."""

import subprocess
from pathlib import Path

import pytest
import yaml

from monitoring.boards.asking import fill
from monitoring.boards.boards import BOARDS
from monitoring.boards.frame import annotations
from monitoring.boards.panel import Board
from tests.monitoring.programs import require

VALUES = {"__rate_interval": "1m", "door": ".*", "version": "1", "measure": "roc_auc"}


def check(queries: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    rules = [{"record": f"board:query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = folder / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    tool = require("promtool", "prometheus")
    return subprocess.run([tool, "check", "rules", str(file)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_promtool_parses_every_query(board: Board, tmp_path: Path) -> None:
    queries = [fill(query, VALUES) for panel in board.panels for query, _ in panel.queries]
    marks = [mark.build().expr for mark in annotations()]

    done = check([*queries, *marks], tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_query_that_is_none_is_found(tmp_path: Path) -> None:
    assert check(["sum by (door) (rate(churn_predictions_total[1m])"], tmp_path).returncode != 0
