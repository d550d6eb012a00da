"""Logs of the serving processes: one line per event on stderr, for people or as JSON; never a customer's values.

What libraries say is cut to its first line, and an error to its kind and place: either may hold what a client sent.
"""

import json
import logging
import logging.config
import traceback
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import orjson
from starlette.types import Scope

from services.trace_context import trace_of

LogFormat = Literal["text", "json"]
Version = Callable[[], int | None]
"""Returns the version that this process serves now."""

ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
OURS = ("churn", "services")
LIBRARIES = ("uvicorn", "uvicorn.error", "bentoml", "circus")
"""They bring handlers of their own, and would say everything twice."""

SILENT = ("uvicorn.access",)
"""Our own access log takes its place; if its lines could reach a handler they would be prepared for each request."""

QUIET = ("urllib3.connectionpool",)
"""It tells of each attempt, every second while the registry is away; whoever asked tells of that once."""

SEPARATORS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
"""JSON leaves them as they are; some readers end a line there."""

REQUEST: ContextVar[Scope | None] = ContextVar("REQUEST", default=None)
"""The request that is answered here; the front sets it, and nothing is read from it before a line is written."""


class EventFormatter(logging.Formatter):
    """Turns a record into facts, and those into a line."""

    def __init__(self, process: str, *, version: Version) -> None:
        super().__init__()
        self._process = process
        self._version = version

    def facts(self, record: logging.LogRecord) -> dict[str, object]:
        """Return what the line holds: what every line has first, then what was passed as `extra`."""
        passed = {name: value for name, value in vars(record).items() if name not in ORDINARY}
        known = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname,
            "process": self._process,
            "pid": record.process,
            "logger": record.name,
            "message": _message(record),
            **_of_request(),
            "model_version": passed.get("model_version") or self._version(),
        }
        return {**known, **{name: value for name, value in passed.items() if name not in known}, **_of_error(record)}


class JsonFormatter(EventFormatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts = {name: value for name, value in self.facts(record).items() if value is not None}
        try:
            line = orjson.dumps(facts, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except TypeError:  # half a character, as names of files may have
            line = json.dumps(facts, default=str)
        return line.translate(SEPARATORS)


class TextFormatter(EventFormatter):
    """One line for people: time, level, process, message, then the other facts as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts = self.facts(record)
        head = [facts.pop(name) for name in ("time", "level", "process", "pid", "message")]
        facts.pop("logger")
        rest = " ".join(f"{name}={_one_line(value)}" for name, value in facts.items() if value is not None)
        return "{} {} {}[{}] {} {}".format(*map(_one_line, head), rest).rstrip()


FORMATTERS: dict[LogFormat, type[EventFormatter]] = {"text": TextFormatter, "json": JsonFormatter}


def configure_logs(process: str, log_format: LogFormat = "text", *, version: Version = lambda: None) -> None:
    """Send our own events from INFO up, and warnings of libraries, to stderr in one format.

    Args:
        process: door, or attendant.
        log_format: for people or for programs.
        version: of the model that this process serves now.
    """
    logging.captureWarnings(capture=True)
    ours = {"level": "INFO", "handlers": ["stderr"], "propagate": False}
    theirs = {"level": "WARNING", "handlers": [], "propagate": True}
    quiet = {"level": "ERROR", "handlers": [], "propagate": True}
    silent = {"handlers": [], "propagate": False}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"events": {"()": FORMATTERS[log_format], "process": process, "version": version}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "events"}},
            "loggers": {
                **dict.fromkeys(OURS, ours),
                **dict.fromkeys(LIBRARIES, theirs),
                **dict.fromkeys(QUIET, quiet),
                **dict.fromkeys(SILENT, silent),
            },
            "root": {"level": "WARNING", "handlers": ["stderr"]},
        }
    )


def _message(record: logging.LogRecord) -> str:
    text = record.getMessage()
    return text if record.name.split(".")[0] in OURS else text.partition("\n")[0]


def _of_request() -> dict[str, object]:
    scope = REQUEST.get()
    if scope is None:
        return {}
    trace = trace_of(scope)
    return {"request_id": scope.get("churn_request_id"), "trace_id": trace.trace_id, "span_id": trace.span_id}


def _of_error(record: logging.LogRecord) -> dict[str, object]:
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    error = record.exc_info[1]
    return {"error": type(error).__name__, "places": list(_places(error))}


def _places(error: BaseException) -> Iterator[str]:
    """Yield where an error came from, the innermost last; its words may hold a value."""
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"{Path(frame.filename).name}:{frame.lineno}"


def _one_line(value: object) -> str:
    text = str(value)
    return text if text.isprintable() else text.encode("unicode_escape").decode()
