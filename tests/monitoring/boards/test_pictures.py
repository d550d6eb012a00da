"""Boards as pictures, with a small server in Prometheus' place."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from typer.testing import CliRunner

from churn.errors import UnreachableError, UsageError
from monitoring.boards.amounts import shown
from monitoring.boards.asking import Prometheus, Span, choose, fill
from monitoring.boards.boards import BOARDS
from monitoring.boards.grafana import board_json
from monitoring.boards.panel import Board, Kind, Panel, Row
from monitoring.boards.picture import app, picture_all
from tests.postgres import free_port

SPAN = Span(1_795_240_000, 1_795_243_600)
BOUNDS = ("0.1", "0.25", "0.5", "1", "+Inf")
MODEL = next(board for board in BOARDS if board.name == "model")


class FakePrometheus(ThreadingHTTPServer):
    """Answers every query: as many series as there are bounds, and `NaN` among the values."""

    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        query = form["query"][0]
        self.server.asked.append(query)  # type: ignore[attr-defined]
        self._answer({"status": "success", "data": {"result": [] if "empty" in query else list(_series(form))}})

    def _answer(self, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *said: object) -> None:
        del said


def _series(form: dict[str, list[str]]) -> Iterator[dict[str, object]]:
    for place, bound in enumerate(BOUNDS):
        labels = {label: f"{label} {place}" for label in ("door", "version", "name")} | {"le": bound}
        if "start" in form:
            start, step = float(form["start"][0]), float(form["step"][0])
            values = [
                [start + number * step, "NaN" if number == 3 else str(place + number % 2)] for number in range(20)
            ]
            yield {"metric": labels, "values": values}
        else:
            yield {"metric": labels, "value": [float(form["time"][0]), str(place)]}


@pytest.fixture
def server() -> Iterator[FakePrometheus]:
    server = FakePrometheus(("127.0.0.1", 0), _Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def address(server: FakePrometheus) -> str:
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


def small_board(folder: Path) -> Board:
    """Write a board with a panel of each kind, and a graph with an interval."""
    kinds: tuple[Kind, ...] = ("timeseries", "stat", "heatmap", "bargauge", "table", "states")
    plain = [
        Panel(
            title=kind, text="For a test.", unit="s", page="dashboards", kind=kind, states=((1, "one", "red"),),
            queries=(("churn_production_version", "{{door}}"),),
        )
        for kind in kinds
    ]  # fmt: skip
    banded = ("x", "x low", "x high", "held out")
    band = replace(plain[0], title="band", queries=tuple((f'up{{job="{name}"}}', name) for name in banded), decimals=2)
    stack = replace(plain[0], title="stack", is_stacked=True, colours=(("door 1", "red"),))
    several = replace(plain[4], title="columns", queries=(("a", "first"), ('b{empty=""}', "second")))
    board = Board("small", "Small", "For a test.", (Row("Row", (*plain, band, stack, several)),))
    folder.mkdir()
    (folder / "small.json").write_text(board_json(board))
    return board


def test_a_board_becomes_a_picture_of_what_its_panels_ask(server: FakePrometheus, address: str, tmp_path: Path) -> None:
    board = small_board(tmp_path / "boards")

    (file,) = picture_all(address, tmp_path / "out", minutes=5, boards=tmp_path / "boards")

    assert file.name == "small.png"
    assert file.read_bytes().startswith(b"\x89PNG")
    assert {query for panel in board.panels for query, _ in panel.queries} <= set(server.asked)


def test_the_command_names_the_pictures(address: str, tmp_path: Path) -> None:
    small_board(tmp_path / "boards")

    where = ["--out", str(tmp_path / "out"), "--boards", str(tmp_path / "boards")]
    done = CliRunner().invoke(app, ["--prometheus", address, *where])

    assert done.exit_code == 0, done.output
    assert done.stdout == f"{tmp_path / 'out' / 'small.png'}\n"


def test_a_panel_without_data_is_drawn_as_such(address: str, tmp_path: Path) -> None:
    small_board(tmp_path / "boards")
    file = tmp_path / "boards" / "small.json"
    file.write_text(file.read_text().replace("churn_production_version", "empty").replace("up{", "empty{"))

    (picture,) = picture_all(address, tmp_path / "out", boards=tmp_path / "boards")

    assert picture.read_bytes().startswith(b"\x89PNG")


def test_an_address_where_nobody_answers_is_named(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(UnreachableError, match=rf"no Prometheus answers at {address}: start one"):
        picture_all(address, tmp_path)
    done = CliRunner().invoke(app, ["--prometheus", address, "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "no Prometheus answers" in done.stderr


def test_what_is_no_prometheus_is_told_apart(client: httpx.Client) -> None:
    strange = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text="<html>")))

    with strange, pytest.raises(UsageError, match=r"does not answer 'up' as Prometheus: <html>"):
        Prometheus("http://127.0.0.1:1", strange).ask("up", SPAN, is_range=False)
    del client


def test_variables_are_filled_in_as_grafana_does(address: str, client: httpx.Client) -> None:
    values = choose(json.loads(board_json(MODEL)), Prometheus(address, client), SPAN, scrape_seconds=15)

    assert values["version"] == "version 0"
    assert values["measure"] == "roc_auc"
    assert values["model"] == "name 0"
    assert values["__rate_interval"] == "60s"
    assert fill('rate(x{version="$version"}[$__rate_interval]) ${other}', values) == (
        'rate(x{version="version 0"}[60s]) ${other}'
    )


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "words"),
    [
        (0.1234, "percentunit", None, "12.3 %"),
        (0.5, "percentunit", 0, "50 %"),
        (0.0042, "s", None, "4.2 ms"),
        (90_000, "s", None, "1.04 d"),
        (0, "s", None, "0 s"),
        (-90, "s", None, "-1.5 min"),
        (3 * 1024**2, "bytes", None, "3 MiB"),
        (12_345, "short", None, "12.3 k"),
        (7, "short", 0, "7"),
        (1.5, "reqps", None, "1.5 req/s"),
        (3, "none", None, "3"),
        (0.8412, "none", 3, "0.841"),
        (float("nan"), "short", None, "no data"),
    ],
)
def test_amounts_are_shown_as_people_read_them(value: float, unit: str, decimals: int | None, words: str) -> None:
    assert shown(value, unit, decimals) == words
