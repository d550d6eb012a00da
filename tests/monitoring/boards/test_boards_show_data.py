"""Every panel has data: a real Prometheus with our rules scraped real doors and a real exporter."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

import httpx
import pytest

from churn.contract.contract import Contract
from churn.errors import UnreachableError, UsageError
from cli.demo.watchers import write_prometheus
from monitoring.boards.__main__ import FOLDER
from monitoring.boards.asking import Prometheus, Span, choose, fill
from monitoring.boards.boards import BOARDS
from monitoring.boards.picture import picture_all
from tests.monitoring.boards.staged import let_everything_happen, promoted_home
from tests.monitoring.programs import churn, require, running, wait_until
from tests.postgres import free_port

QUICKER = 60
"""Times that Prometheus' rules run faster than in the world; everything is scraped each second."""

WAITING = {(board.name, panel.title) for board in BOARDS for panel in board.panels if panel.waits_for}
"""Panels that say that they wait for something."""

Silent = frozenset[tuple[str, str, str]]
"""Board, panel and legend of queries that brought nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a Prometheus answered when a home was just promoted, and when everything had happened."""

    address: str
    at_first: Silent
    at_last: Silent


@pytest.fixture(scope="module")
def seen(bundle_folder: Path, telco: Contract, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    program = require("prometheus", "prometheus")
    settings = promoted_home(tmp_path_factory.mktemp("boards"), bundle_folder)
    folder = settings.home
    ports = {job: free_port() for job in ("churn-bento", "churn-fastapi", "churn-exporter", "prometheus")}
    address = f"http://127.0.0.1:{ports['prometheus']}"
    neighbours = f"front=http://127.0.0.1:{ports['churn-bento']}/livez"
    environment = {
        "CHURN_HOME": str(folder), "CHURN_TRACKING_URI": settings.tracking_uri, "CHURN_NEIGHBOURS": neighbours
    }  # fmt: skip
    exporter = churn("exporter", "--port", str(ports["churn-exporter"]))
    with ExitStack() as stack:
        for door in ("bento", "fastapi"):
            serve = churn("serve", "--door", door, "--port", str(ports[f"churn-{door}"]))
            stack.enter_context(running(serve, log=folder / f"{door}.log", environment=environment))
        stack.enter_context(running(_prometheus(program, folder, ports), log=folder / "prometheus.log"))
        with httpx.Client(timeout=30) as client:
            prometheus = Prometheus(address, client)
            with running(exporter, log=folder / "exporter.log", environment=environment):
                wait_until(lambda: _holds(prometheus, 'sum(up{job=~"churn-.*"}) == 3'), "all is scraped", seconds=120)
                wait_until(lambda: _holds(prometheus, "min(churn_model_version) == 1"), "doors serve", seconds=120)
                at_first = _settled(prometheus, lambda silent: _empty(silent) <= WAITING)
            let_everything_happen(settings, bundle_folder, telco)
            doors = [f"http://127.0.0.1:{ports[f'churn-{door}']}" for door in ("bento", "fastapi")]
            # Customers are counted once a minute: another exporter counts at once.
            with running(exporter, log=folder / "exporter.log", environment=environment):
                at_last = _settled(prometheus, lambda silent: not silent, meanwhile=lambda: _send(doors, telco))
                yield Seen(address, at_first, at_last)


def _prometheus(program: str, folder: Path, ports: Mapping[str, int]) -> list[str]:
    return [
        program,
        f"--config.file={write_prometheus(folder / 'prometheus', ports, factor=QUICKER)}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
    ]


def _holds(prometheus: Prometheus, query: str) -> bool:
    now = time()
    try:
        return bool(prometheus.ask(query, Span(now - 60, now), is_range=False))
    except (UnreachableError, UsageError):
        return False


def _silent(prometheus: Prometheus) -> Silent:
    now = time()
    span = Span(now - 60, now)
    found = set()
    for file in FOLDER.glob("*.json"):
        board = json.loads(file.read_text())
        values = choose(board, prometheus, span, scrape_seconds=1)
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                if not _brings_data(prometheus, target, span, values):
                    found.add((file.stem, panel["title"], target["legendFormat"]))
    return frozenset(found)


def _empty(silent: Silent) -> set[tuple[str, str]]:
    """Return the panels none of whose queries brought anything."""
    return {
        (board.name, panel.title)
        for board in BOARDS
        for panel in board.panels
        if all((board.name, panel.title, legend) in silent for _, legend in panel.queries)
    }


def _settled(
    prometheus: Prometheus, is_enough: Callable[[Silent], bool], *, meanwhile: Callable[[], None] = lambda: None
) -> Silent:
    """Give things time to be scraped, and what a rate is made of to be scraped again; what stays silent is told."""
    deadline = monotonic() + 120
    while not is_enough(silent := _silent(prometheus)) and monotonic() < deadline:
        meanwhile()
        sleep(0.5)
    return silent


def _brings_data(prometheus: Prometheus, target: Mapping[str, Any], span: Span, values: Mapping[str, str]) -> bool:
    series = prometheus.ask(fill(target["expr"], values), span, is_range=target.get("range", False))
    return any(math.isfinite(value) for one in series for value in one.values)


def _send(doors: list[str], contract: Contract) -> None:
    """Send each door customers of every kind: whole, incomplete, with an unknown category, and unreadable."""
    example = dict(contract.example)
    incomplete = {name: value for name, value in example.items() if name in contract.required_columns}
    kinds: list[dict[str, object]] = [
        {**example}, {**incomplete}, {**example, "PaymentMethod": "pigeon"}, {**example, "tenure": "long"},
    ]  # fmt: skip
    for door in doors:
        statuses = [httpx.post(f"{door}/predict", json=kind, timeout=10).status_code for kind in kinds]
        assert statuses == [200, 200, 200, 422]


@pytest.mark.slow
def test_every_query_of_every_panel_brings_data_once_everything_has_happened(seen: Seen) -> None:
    assert not seen.at_last


@pytest.mark.slow
def test_a_panel_that_is_empty_after_the_first_promotion_says_what_it_waits_for_and_no_other_does(seen: Seen) -> None:
    assert _empty(seen.at_first) == WAITING


@pytest.mark.slow
def test_a_board_with_everything_on_it_becomes_a_picture(seen: Seen, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_bytes((FOLDER / "model.json").read_bytes())

    (file,) = picture_all(seen.address, tmp_path, minutes=2, scrape_seconds=1, boards=tmp_path)

    assert file.read_bytes().startswith(b"\x89PNG")
    assert file.stat().st_size > 100_000
