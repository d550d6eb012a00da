"""Spans as a collector receives them, and what is imported when nobody asks for any."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from services.api.app import create_app
from services.logs import JsonFormatter
from services.settings import ServiceSettings, is_tracing_wanted
from services.worker import Worker
from tests.services.collector import Collector, collecting
from tests.services.conftest import CUSTOMER, promote_on_disk

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVER = 2
SECRET = "Nobody-4711-Nowhere"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.address)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "churn-of-a-test")
        yield found


@pytest.fixture
def door(settings: ServiceSettings, bundle_folder: Path, collector: Collector) -> TestClient:
    """Its spans are at the collector when it is closed."""
    assert collector.address
    promote_on_disk(settings, bundle_folder, version=4)
    app = create_app(Worker("fastapi", settings), owns_worker=True)
    return TestClient(app, raise_server_exceptions=False)


def test_a_request_is_one_span_beneath_its_caller_named_by_its_route(door: TestClient, collector: Collector) -> None:
    with door:
        sent = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=b", "x-request-id": "r-1"}
        assert door.post("/predict", json=CUSTOMER, headers=sent).status_code == 200
        door.post("/predict", json={"tenure": "x"}, headers={"traceparent": "nonsense"})
        door.get("/livez")

    first, second = collector.spans
    assert {name: first[name] for name in first if name != "span_id"} == {
        "name": "POST /predict", "trace_id": TRACE, "parent_id": SPAN, "kind": SERVER, "error": False,
        "http.request.method": "POST", "http.route": "/predict", "http.response.status_code": 200,
        "churn.door": "fastapi", "churn.request_id": "r-1", "churn.model_version": 4,
    }  # fmt: skip
    assert (second["http.response.status_code"], second["parent_id"]) == (422, "")
    assert second["trace_id"] != TRACE
    assert collector.resources[0]["service.name"] == "churn-of-a-test"


def test_no_span_holds_what_a_client_sent(door: TestClient, collector: Collector) -> None:
    with door:
        door.get(f"/api/v1/explain?customer_id={SECRET}")
        door.get(f"/{SECRET}")
        door.get(f"/api/v1/models/{SECRET}")
        door.request(SECRET, "/predict")
        door.post("/predict", json={**CUSTOMER, "gender": SECRET, SECRET: 1}, headers={"baggage": f"a={SECRET}"})

    assert len(collector.spans) == 5
    assert SECRET.encode() not in collector.raw
    assert {each["name"] for each in collector.spans} >= {"GET /api/v1/explain", "GET unmatched", "POST /predict"}


class Keeper(logging.Handler):
    """Keeps lines as they would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, object]] = []
        self.setFormatter(JsonFormatter("fastapi", version=lambda: 1))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


def test_a_log_line_names_the_span(
    settings: ServiceSettings, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("services.access_log").addHandler(keeper := Keeper())
    worker = Worker("fastapi", settings.model_copy(update={"access_log": True}))
    with caplog.at_level(logging.INFO, "services.access_log"), TestClient(create_app(worker, owns_worker=True)) as door:
        door.get("/api/v1/health", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    logging.getLogger("services.access_log").removeHandler(keeper)

    (line,), (span,) = keeper.lines, collector.spans
    assert (line["route"], line["trace_id"], line["span_id"]) == ("/api/v1/health", TRACE, span["span_id"])


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, False),
        ({"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, False),
        ({"OTEL_SERVICE_NAME": "churn"}, False),
    ],
)
def test_the_usual_variables_switch_it_on_and_disabled_wins(variables: dict[str, str], wanted: bool) -> None:
    assert is_tracing_wanted(variables) is wanted


def run(code: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PATH": "", **variables}
    )
    return done.stdout + done.stderr


def test_nothing_is_imported_and_the_application_is_as_it_was_when_nobody_asks() -> None:
    code = (
        "import sys; from services.tracing import traced; app = object(); assert traced(app, 'bento') is app;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )

    assert run(code).strip() == "[]"


def test_without_the_exporter_a_door_says_so_and_goes_on() -> None:
    code = (
        "import sys; sys.modules['opentelemetry.exporter.otlp.proto.http.trace_exporter'] = None;"
        "from services.tracing import traced; app = object(); assert traced(app, 'bento') is app"
    )

    assert "uv sync --group otel" in run(code, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")


def test_a_collector_that_is_away_costs_no_answer(
    settings: ServiceSettings, bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    promote_on_disk(settings, bundle_folder, version=4)
    with TestClient(create_app(Worker("fastapi", settings), owns_worker=True)) as client:
        assert [client.post("/predict", json=CUSTOMER).status_code for _ in range(3)] == [200] * 3
