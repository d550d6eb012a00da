"""Smoke and load against a real door: one process, one port, a real bundle."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree

import pytest
import uvicorn
from typer.testing import CliRunner

from cli.main import app
from services.acceptance.burden import Borne, Burden, Limits, bear, judge
from services.acceptance.outcome import Case, write_junit
from services.acceptance.smoke import smoke
from services.api.app import create_app
from services.settings import ServiceSettings
from services.worker import Worker
from tests.postgres import free_port
from tests.services.conftest import promote_on_disk


@pytest.fixture(scope="module")
def door(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A door that serves version 3."""
    settings = ServiceSettings(home=tmp_path_factory.mktemp("door") / "home", attended=False)
    promote_on_disk(settings, bundle_folder, version=3)
    worker, port = Worker("fastapi", settings).open(), free_port()
    server = uvicorn.Server(
        uvicorn.Config(create_app(worker, owns_worker=False), port=port, log_config=None, lifespan="on")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)
    worker.close()


class Liar(BaseHTTPRequestHandler):
    """Answers everything with 200 and a probability that is none."""

    def do_GET(self) -> None:
        """Answer."""
        example = {"application/json": {"example": {"tenure": 1}}}
        paths = {"/api/v1/predict": {"post": {"requestBody": {"content": example}}}}
        schemas = {"schemas": {"Customer": {"required": ["tenure"]}}}
        model = {"name": "churn", "version": "1"}
        found = {"churn_probability": 7, "model": model, "paths": paths, "components": schemas, "model_version": "1"}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Be silent."""


@pytest.fixture
def liar() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_sound_door_answers_every_question(door: str) -> None:
    assert [case.problem for case in smoke(door, version=3)] == [""] * 13


def test_another_version_than_wanted_is_the_one_thing_wrong(door: str) -> None:
    wrong = [case for case in smoke(door, version=4) if not case.has_passed]

    assert [(case.name, case.problem) for case in wrong] == [("version 4 is served", "version 3 is served, not 4")]


def test_answers_that_are_200_and_wrong_are_found(liar: str) -> None:
    wrong = {case.name: case.problem for case in smoke(liar) if not case.has_passed}

    assert wrong["the contract's example is scored"] == "7.0 is no probability"
    assert "answered 200, not 422" in wrong["a row that breaks the contract is refused, and why is said"]
    assert "answered 200, not 400" in wrong["something that is not JSON is refused"]


def test_a_door_that_is_not_there_fails_every_question() -> None:
    cases = smoke(f"http://127.0.0.1:{free_port()}")

    assert all(case.problem.startswith("no answer: ConnectError") for case in cases)


def test_the_command_names_what_failed_and_ends_with_2(door: str, tmp_path: Path) -> None:
    report = tmp_path / "reports" / "smoke.xml"

    answer = CliRunner().invoke(app, ["smoke", "--url", door, "--version", "4", "--junit", str(report)])

    assert answer.exit_code == 2
    assert "FAIL version 4 is served: version 3 is served, not 4" in answer.output
    suite = ElementTree.parse(report).getroot()  # noqa: S314  our own file
    assert (suite.get("tests"), suite.get("failures")) == ("13", "1")


def test_the_command_ends_with_0_at_a_sound_door(door: str) -> None:
    answer = CliRunner().invoke(app, ["smoke", "--url", f"{door}/", "--version", "3"])

    assert (answer.exit_code, answer.output.count("ok  ")) == (0, 13)


def test_a_load_sends_at_its_rate_and_counts_every_answer(door: str) -> None:
    borne = bear(door, Burden(seconds=1, rate=40))

    assert (borne.sent, borne.failed, borne.versions) == (40, 0, {"3": 40})
    assert 0 < borne.p50_ms <= borne.p99_ms <= borne.worst_ms


def test_the_command_judges_the_load(door: str, tmp_path: Path) -> None:
    words = ["load", "--url", door, "--seconds", "0.5", "--rate", "20"]

    borne = CliRunner().invoke(app, words)
    slow = CliRunner().invoke(app, [*words, "--max-p99-ms", "0.001", "--junit", str(tmp_path / "load.xml")])

    assert (borne.exit_code, json.loads(borne.stdout)["sent"]) == (0, 10)
    assert slow.exit_code == 2
    assert "p99 in ms" in slow.output
    assert ElementTree.parse(tmp_path / "load.xml").getroot().get("failures") == "1"  # noqa: S314


def test_requests_without_an_answer_are_errors() -> None:
    borne = Borne(sent=10, failed=1, error_rate=0.1, statuses={"200": 9, "0": 1})

    assert "error rate 0.1 is above 0" in judge(borne, Limits())[0].problem
    assert judge(borne, Limits(error_rate=0.1))[0].has_passed
    assert judge(Borne(), Limits())[0].problem == "nothing was sent"


def test_a_load_at_no_door_says_how_to_look() -> None:
    answer = CliRunner().invoke(app, ["load", "--url", f"http://127.0.0.1:{free_port()}", "--seconds", "1"])

    assert answer.exit_code == 1
    assert "churn smoke" in str(answer.exception)


def test_junit_holds_any_text(tmp_path: Path) -> None:
    write_junit(tmp_path / "a" / "report.xml", "smoke", [Case("one", 'a "<b>" \x00 &\n'), Case("two")])

    found = ElementTree.parse(tmp_path / "a" / "report.xml").getroot()  # noqa: S314
    assert [case.find("failure") is not None for case in found] == [True, False]
