"""Each check of `make smoke` can fail: held against servers of the test's own, which answer well or ill."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deploy.host.asking import UnansweredError, ask
from deploy.host.checks import moves, predictions, published
from deploy.host.checks.check import Check, WrongError, eventually, failures, require
from deploy.host.checks.installation import Installation
from deploy.host.first_model import curl, example, served_version
from deploy.host.smoke import told
from tests.postgres import free_port

CUSTOMER = {"Contract": "Month-to-month", "tenure": 12, "note": "it's"}
OPENAPI = {
    "paths": {
        "/api/v1/predict": {"post": {"requestBody": {"content": {"application/json": {"example": CUSTOMER}}}}},
    }
}
PREDICTION = {
    "churn_probability": 0.5, "churn_prediction": 1, "risk_level": "high", "prediction_id": "p1", "model_version": "3",
    "served_by": "bento", "recorded": True,
}  # fmt: skip
PROBLEM = {"type": "about:blank", "title": "", "status": 422, "detail": "", "errors": [{"field": "tenure"}]}


@dataclass
class Answers:
    """What a server says, by path without its query; a test changes it.

    Attributes:
        said: (status, value, content type) by path.
        account: that `/api/2.0/…` wants, in base 64.
    """

    port: int = 0
    said: dict[str, tuple[int, object, str]] = field(default_factory=dict)
    is_guarded: bool = True

    def put(self, path: str, value: object, *, status: int = 200, kind: str = "application/json") -> None:
        self.said[path] = (status, value, kind)


@pytest.fixture
def server() -> Iterator[Answers]:
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            path = self.path.partition("?")[0]
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, value, kind = answers.said.get(path, (404, {}, "application/json"))
            if path == "/api/v1/predict" and b"no such column" in body:
                status, value, kind = answers.said["refusal"]
            if path.startswith("/api/2.0") and answers.is_guarded and "authorization" not in self.headers:
                status = 401
            content = json.dumps(value).encode() if kind.endswith("json") else str(value).encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer  # noqa: N815  the names are http.server's

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        answers.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield answers
        listening.shutdown()
        thread.join()


@pytest.fixture
def at(server: Answers, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation whose every published service is the server; nothing is waited for."""
    for module in (published, predictions, moves):
        for name in [name for name in vars(module) if name.endswith("_SECONDS")]:
            monkeypatch.setattr(module, name, 0.0)
    ports = ("FRONT", "MLFLOW", "PROMETHEUS", "ALERTMANAGER", "GRAFANA", "REPORTS")
    settings = {f"HOLDFAST_{one}_PORT": str(server.port) for one in ports}
    profiles = {"COMPOSE_PROFILES": "core,monitoring", "COMPOSE_PROJECT_NAME": "x"}
    return Installation({**settings, **profiles, "HOLDFAST_MLFLOW_ADMIN_PASSWORD": "secret"})


def all_well(server: Answers) -> None:
    server.put("/livez", {})
    server.put("/", "", kind="text/html")
    server.put("/openapi.json", OPENAPI)
    server.put("/api/v1/predict", PREDICTION)
    server.put("/api/v1/explain", {"shap_values": [1], "feature_names": ["tenure"]})
    server.put("refusal", PROBLEM, status=422, kind="application/problem+json")
    server.put("/api/2.0/mlflow/experiments/search", {"experiments": []})
    up = {"labels": {"job": "churn-bento"}, "health": "up", "lastError": ""}
    server.put("/api/v1/targets", {"data": {"activeTargets": [up]}})
    server.put("/api/v1/alertmanagers", {"data": {"activeAlertmanagers": [{"url": "http://alertmanager:9093"}]}})
    server.put("/api/v1/query", neighbours("1"))
    server.put("/api/v2/alerts", [{"labels": {"alertname": "ChurnWatchdog"}}])


def neighbours(worker: str) -> dict[str, Any]:
    told = {"front": "1", "reports": "1", "scheduler": "1", "worker": worker}
    return series(*(({"neighbour": name}, value) for name, value in told.items()))


def series(*found: tuple[dict[str, str], str]) -> dict[str, Any]:
    return {"data": {"result": [{"metric": metric, "value": [0, value]} for metric, value in found]}}


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_what_can_be_asked_from_outside_holds_where_all_is_well(server: Answers, at: Installation) -> None:
    all_well(server)

    assert failures(published.of_published(at)) == []
    assert failures([one for one in predictions.of_predictions(at, "3") if "front" in one.words]) == []
    assert at.seen == {"prediction_id": "p1"}


Break = Callable[[Answers], None]
DOWN = {"labels": {"job": "mlflow"}, "health": "down", "lastError": "refused"}
BREAKS: dict[str, tuple[Break, str]] = {
    "front: a request passes": (lambda one: one.put("/livez", {}, status=503), "503, not 200"),
    "front: /metrics": (lambda one: one.put("/metrics", {}), "200, not 404"),
    "mlflow: nobody is let in": (lambda one: setattr(one, "is_guarded", False), "200, not 401"),
    "prometheus: every target": (
        lambda one: one.put("/api/v1/targets", {"data": {"activeTargets": [DOWN]}}),
        "not up: mlflow (refused)",
    ),
    "prometheus: it knows": (
        lambda one: one.put("/api/v1/alertmanagers", {"data": {"activeAlertmanagers": []}}),
        "it knows none",
    ),
    "prometheus: the exporter hears": (
        lambda one: one.put("/api/v1/query", neighbours("0")),
        "nothing is heard of worker (",
    ),
    "alertmanager: ": (lambda one: one.put("/api/v2/alerts", []), "ChurnWatchdog is not there"),
    "reports: ": (lambda one: one.put("/", "", status=500, kind="text/html"), "500, not 200"),
    "a customer is scored": (
        lambda one: one.put("/api/v1/predict", {**PREDICTION, "model_version": "2"}),
        "version 2 answered, not 3",
    ),
    "a prediction is explained": (
        lambda one: one.put("/api/v1/explain", {"shap_values": [], "feature_names": []}),
        "not one value",
    ),
    "a customer who breaks": (
        lambda one: one.put("refusal", PROBLEM, status=422),
        "the refusal is application/json",
    ),
}


@pytest.mark.parametrize("words", BREAKS)
def test_each_check_fails_alone_and_says_what_it_found_and_what_to_do(
    words: str, server: Answers, at: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    all_well(server)
    spoil, found = BREAKS[words]
    spoil(server)
    checks = [*published.of_published(at), *(one for one in predictions.of_predictions(at, "3") if "a " in one.words)]

    wrong = failures([one for one in checks if "engine" not in one.words and "store" not in one.words])

    assert [one[: len(words)] for one in wrong if "itself" not in one] == [words]
    said = lines_of(capsys)
    at_fault = next(number for number, line in enumerate(said) if line.startswith(f"FAILED  {words}"))
    assert found in said[at_fault]
    assert said[at_fault + 1].startswith("        do: ")


def test_a_recorded_prediction_can_not_be_looked_for_when_there_was_none(at: Installation) -> None:
    with pytest.raises(WrongError, match="no prediction to look for"):
        predictions._recorded(at)


def test_a_metric_that_did_not_rise_and_a_door_that_serves_another_version_are_seen(
    server: Answers, at: Installation
) -> None:
    server.put("/api/v1/query", series(({"door": "bento"}, "3"), ({"door": "fastapi"}, "3")))
    moves._served(at, "3")
    moves._rises(at, 5.0)
    with pytest.raises(WrongError, match="is 6 and was 6 before the move"):
        moves._rises(at, 6.0)

    server.put("/api/v1/query", series(({"door": "bento"}, "3"), ({"door": "fastapi"}, "2")))
    with pytest.raises(WrongError, match="they serve"):
        moves._served(at, "3")
    server.put("/api/v1/query", series(({"door": "bento"}, "3")))
    with pytest.raises(WrongError, match="is there of bento"):
        moves._served(at, "3")
    with pytest.raises(WrongError, match="churn_production_version is 3"):
        moves._promoted(at, "4")


def test_the_next_command_is_one_that_a_shell_takes(server: Answers) -> None:
    import shlex

    server.put("/openapi.json", OPENAPI)
    words = shlex.split(curl(f"http://127.0.0.1:{server.port}"))

    assert words[:3] == ["curl", "-s", f"http://127.0.0.1:{server.port}/api/v1/predict"]
    assert json.loads(words[-1]) == CUSTOMER


def test_a_door_without_a_model_serves_no_version_and_has_no_example(server: Answers) -> None:
    front = f"http://127.0.0.1:{server.port}"
    server.put("/api/v1/health", {"model": None})
    server.put("/openapi.json", {"paths": {}})

    assert served_version(front) is None
    with pytest.raises(UnansweredError, match="is a model served"):
        example(front)
    server.put("/api/v1/health", {"model": {"version": "7"}})
    assert served_version(front) == "7"
    assert served_version(f"http://127.0.0.1:{free_port()}") is None


def test_all_checks_are_looked_at_and_one_line_is_said_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    checks = [
        Check("one", lambda: require(True, ""), "nothing"),
        Check("two", lambda: require(False, "it rains"), "an umbrella"),
        Check("three", lambda: {}["gone"], "look"),
        Check("four", lambda: None, "nothing"),
    ]

    wrong = failures(checks)

    assert wrong == ["two", "three"]
    said = lines_of(capsys)
    assert said[:3] == ["ok      one", "FAILED  two: it rains", "        do: an umbrella"]
    assert "another shape than expected" in said[3]
    assert said[-1] == "ok      four"
    assert told(wrong, 3.0) == 1
    assert told([], 3.0) == 0


def test_what_comes_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from deploy.host.checks import check

    monkeypatch.setattr(check, "PAUSE_SECONDS", 0.0)
    left = iter([False, False, True])

    eventually(lambda: require(next(left), "not yet"), seconds=60)

    with pytest.raises(WrongError, match="never"):
        eventually(lambda: require(False, "never"), seconds=0)


def test_nobody_there_and_no_json_are_told_apart(server: Answers) -> None:
    server.put("/page", "<html>", kind="text/html")

    with pytest.raises(UnansweredError, match=r"does not answer: .*refused"):
        ask(f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(UnansweredError, match="answered no JSON: <html>"):
        _ = ask(f"http://127.0.0.1:{server.port}/page").value
