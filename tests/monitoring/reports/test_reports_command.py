"""`churn reports` as it is called, and the folder as a browser gets it."""

import os
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from churn.errors import UsageError
from cli.reports import app
from monitoring.reports.alerts import ask_prometheus
from monitoring.reports.serving import create_app, serve
from monitoring.settings import MonitoringSettings
from tests.monitoring.programs import churn, running, wait_until
from tests.postgres import free_port

ALERTS = (
    '{"status": "success", "data": {"alerts": ['
    '{"labels": {"alertname": "Slow", "severity": "ticket"}, "annotations": {"summary": "slow"}, "state": "pending"},'
    '{"labels": {"alertname": "Watchdog", "severity": "info"}, "state": "firing"},'
    '{"labels": {"alertname": "Down", "severity": "page"}, "annotations": {"summary": "a door is down"},'
    ' "state": "firing", "activeAt": "2026-11-21T06:00:00Z"}]}}'
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))
    monkeypatch.delenv("CHURN_DATABASE_URL", raising=False)
    return tmp_path


@pytest.fixture
def shelf(tmp_path: Path) -> TestClient:
    files = {
        "index.html": "index", "drift/one/drift.html": "<script>", "drift/one/.draft.html": "x", ".index.html": "x",
        "notes.csv": "id", "secret": "x",
    }  # fmt: skip
    settings = MonitoringSettings(home=tmp_path, reports_names=("reports.example",))
    for name, text in files.items():
        path = settings.report_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "outside.html").write_text("x")
    (settings.report_folder / "link.html").symlink_to(tmp_path / "outside.html")
    return TestClient(create_app(settings), base_url="http://127.0.0.1:9300")


def test_it_prints_where_the_index_is_or_the_summary(home: Path) -> None:
    plain, told = CliRunner().invoke(app, []), CliRunner().invoke(app, ["--markdown"])

    assert plain.stdout == f"reports: {home / 'reports' / 'index.html'}\n"
    assert told.stdout.startswith("# churn: how things stand\n")
    assert (plain.exit_code, told.exit_code) == (0, 0)


def test_a_problem_is_no_failure_unless_it_was_asked_for(home: Path) -> None:
    del home

    assert CliRunner().invoke(app, ["--fail-on-problem"]).exit_code == 3


def test_a_prometheus_that_does_not_answer_is_a_problem(home: Path) -> None:
    del home

    told = CliRunner().invoke(app, ["--markdown", "--prometheus", f"http://127.0.0.1:{free_port()}"]).stdout

    assert "did not answer: ConnectError" in told


def test_alerts_are_told_the_worst_first(tmp_path: Path) -> None:
    folder = tmp_path / "api" / "v1"
    folder.mkdir(parents=True)
    (folder / "alerts").write_text(ALERTS)
    port = free_port()
    command = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(tmp_path), str(port)]
    with running(command, log=tmp_path / "log"):
        url = f"http://127.0.0.1:{port}/"
        wait_until(lambda: not ask_prometheus(url).problem, "the server answers")
        alerts = ask_prometheus(url)

    expected = [("Down", "firing"), ("Watchdog", "firing"), ("Slow", "pending")]
    assert [(one.name, one.state) for one in alerts.found] == expected
    assert [one.name for one in alerts.urgent] == ["Down"]


def test_each_page_has_a_policy_that_fits_it(shelf: TestClient) -> None:
    index, evidently = shelf.get("/"), shelf.get("/drift/one/drift.html")

    assert index.text == "index"
    assert "script-src" not in index.headers["content-security-policy"]
    assert "sandbox allow-scripts" in evidently.headers["content-security-policy"]
    assert "allow-same-origin" not in evidently.headers["content-security-policy"]
    assert all(one.headers["x-content-type-options"] == "nosniff" for one in (index, evidently))


@pytest.mark.parametrize(
    "path",
    ["/.index.html", "/drift/one/.draft.html", "/notes.csv", "/link.html", "/..%2foutside.html", "/secret", "/nothing"],
)
def test_what_is_no_report_is_not_there(shelf: TestClient, path: str) -> None:
    assert shelf.get(path).status_code == 404


def test_nothing_is_taken(shelf: TestClient) -> None:
    assert shelf.post("/index.html").status_code == 405


@pytest.mark.parametrize(("name", "status"), [("evil.example", 400), ("localhost:9300", 200), ("reports.example", 200)])
def test_only_known_names_are_answered(shelf: TestClient, name: str, status: int) -> None:
    assert shelf.get("/", headers={"Host": name}).status_code == status


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = MonitoringSettings(home=tmp_path, reports_port=taken.getsockname()[1])
        with pytest.raises(UsageError, match=r"can't listen on 127.0.0.1:\d+: .*Choose another with --port"):
            serve(settings, say=lambda _: None)


def test_it_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    port = free_port()
    with running(
        churn("reports", "--serve", "--port", str(port)),
        log=tmp_path / "log",
        environment={"CHURN_HOME": str(tmp_path)},
    ):
        wait_until(lambda: _answers(port), "the reports are served")

    assert "Traceback" not in (tmp_path / "log").read_text()
    assert os.listdir(tmp_path / "reports")  # noqa: PTH208  only whether there is something


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
