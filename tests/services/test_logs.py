"""Lines as they come out of a process's standard error."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from services.access_log import AccessLog
from services.logs import FORMATTERS, REQUEST, LogFormat

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
Write = Callable[..., str]


@pytest.fixture
def write() -> Write:
    """Return the line that an event becomes."""

    def line(
        log_format: LogFormat, message: str, *, logger: str = "services.worker", error: BaseException | None = None,
        version: int | None = 7, **facts: object,
    ) -> str:  # fmt: skip
        formatter = FORMATTERS[log_format]("fastapi", version=lambda: version)
        caught = (type(error), error, error.__traceback__) if error else None
        return formatter.format(
            logging.getLogger(logger).makeRecord(logger, logging.WARNING, "x.py", 1, message, (), caught, extra=facts)
        )

    return line


@pytest.fixture
def request_scope() -> Iterator[dict[str, object]]:
    scope: dict[str, object] = {
        "churn_request_id": "r-1", "method": "POST", "path": "/predict/4711",
        "headers": [(b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())],
    }  # fmt: skip
    token = REQUEST.set(scope)
    yield scope
    REQUEST.reset(token)


def test_a_json_line_is_one_object_with_what_every_line_has_and_the_facts(write: Write) -> None:
    found = json.loads(write("json", "spool recovered", waiting=3, folder="a b"))

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    assert found.pop("pid") > 0
    assert found == {
        "level": "WARNING", "process": "fastapi", "logger": "services.worker", "message": "spool recovered",
        "model_version": 7, "waiting": 3, "folder": "a b",
    }  # fmt: skip


def test_a_text_line_is_for_people_and_leaves_out_what_is_not_known(write: Write) -> None:
    line = write("text", "spool recovered", version=None, waiting=3)

    assert re.fullmatch(r"\S+Z WARNING fastapi\[\d+\] spool recovered waiting=3", line)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_fact_begins_a_line_of_its_own(write: Write, log_format: LogFormat) -> None:
    line = write(log_format, "away", reason="first\nERROR forged\x1b[31m\u2028")

    assert "\n" not in line
    assert "\x1b" not in line
    assert len(line.splitlines()) == 1


@pytest.mark.usefixtures("request_scope")
def test_a_line_in_a_request_names_it_and_its_trace(write: Write) -> None:
    found = json.loads(write("json", "client left"))

    assert (found["request_id"], found["trace_id"]) == ("r-1", TRACE)
    assert re.fullmatch("[0-9a-f]{16}", found["span_id"])
    assert found["span_id"] != SPAN


def test_half_a_character_does_not_cost_the_line(write: Write) -> None:
    assert json.loads(write("json", "odd", folder="a\udc80"))["folder"] == "a\udc80"


def test_a_fact_does_not_change_what_every_line_has(write: Write) -> None:
    found = json.loads(write("json", "odd", level="mine", time="never"))

    assert (found["level"], found["time"] != "never") == ("WARNING", True)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_an_error_is_told_by_kind_and_place_and_never_by_its_words(write: Write, log_format: LogFormat) -> None:
    with pytest.raises(ValueError, match="secret") as caught:
        raise ValueError("secret 4711") from KeyError("secret 4712")
    line = write(log_format, "failed", error=caught.value)

    assert "secret" not in line
    assert "ValueError" in line
    assert "test_logs.py:" in line


def test_of_a_library_only_the_first_line_is_told(write: Write) -> None:
    found = write("json", "Task exception was never retrieved\nfuture: <ValueError('4711')>", logger="asyncio")

    assert "Task exception was never retrieved" in found
    assert "4711" not in found


CONFIGURED = """
import logging
from services.logs import configure_logs
configure_logs("attendant", "json")
logging.getLogger("urllib3.connectionpool").warning("Retrying after connection broken")
logging.getLogger("services.mirror").warning("registry away")
"""


def test_attempts_of_one_request_are_no_news() -> None:
    told = subprocess.run([sys.executable, "-c", CONFIGURED], capture_output=True, text=True, check=True).stderr

    assert [json.loads(line)["message"] for line in told.splitlines()] == ["registry away"]


def access_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [vars(record) for record in caplog.records if record.name == "services.access_log"]


@pytest.fixture(autouse=True)
def _logs_propagate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("services"), "propagate", True)
    monkeypatch.setattr(logging.getLogger("services"), "level", logging.INFO)


def test_an_access_line_has_the_template_and_not_the_path(
    caplog: pytest.LogCaptureFixture, request_scope: dict[str, object]
) -> None:
    with caplog.at_level(logging.INFO):
        AccessLog("bento", is_on=True).write(
            request_scope, "/predict/{id}", status=200, seconds=0.0123, headers=[(b"x-model-version", b"12")]
        )

    (found,) = access_lines(caplog)
    assert "4711" not in str(found)
    kept = {name: found[name] for name in ("door", "method", "route", "status", "milliseconds", "model_version")}
    assert kept == {
        "door": "bento", "method": "POST", "route": "/predict/{id}", "status": 200, "milliseconds": 12.3,
        "model_version": 12,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("is_on", "seconds", "is_due"), [(False, 0.9, False), (False, 1.0, True), (True, 0.0, True), (True, 5.0, True)]
)
def test_a_line_is_due_when_it_is_on_or_the_answer_was_slow(is_on: bool, seconds: float, is_due: bool) -> None:
    assert (seconds >= AccessLog("bento", is_on=is_on, slow_seconds=1.0).from_seconds) == is_due
