"""The front: one ASGI layer around the application for what every request has in common."""

import logging
import os
import re
import time
from collections.abc import Mapping

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services import telemetry
from services.access_log import METHODS, OUR_FAULT, AccessLog
from services.api.access import UNLIMITED, Rule
from services.api.body import BodyLimits, IncomingBody, Patience
from services.api.guard import Admit
from services.api.headers import Headers, careful_headers
from services.api.problems import explain, problem
from services.load import Load
from services.logs import REQUEST

log = logging.getLogger(__name__)

REQUEST_ID = re.compile(rb"^[A-Za-z0-9._:-]{1,64}\Z")
UNMATCHED = Rule("", "unmatched", "open")
"""What no route matches is answered 404 or 405 to everybody."""

REFUSALS: dict[int, telemetry.Reason] = {429: "limit", 503: "not_ready"}
FULL = "this worker has as many requests in hand as it can answer soon: send this one again"


class Front:
    """Gives each request an id, bounds its body, counts it by its route, and turns the unexpected into a problem.

    Attributes:
        load: what is in hand, and may be.
        access_log: what is written about each request.
    """

    def __init__(
        self,
        app: ASGIApp,
        door: str,
        *,
        rules: Mapping[tuple[str, str], Rule],
        shortcuts: Mapping[tuple[str, str], ASGIApp],
        admit: Admit,
        body_limits: BodyLimits,
    ) -> None:
        """Put the front before an application.

        Args:
            app: what answers.
            door: label of the metrics.
            rules: the routes that exist, by method and template; all others count as one.
            shortcuts: endpoints by method and path that need no more layers: a third of an answer's time.
            admit: decides who may go on; see Guard.admit.
            body_limits: how large and how slow each kind of body may be.
        """
        self._app = app
        self._shortcuts = shortcuts
        self._door = door
        self.rules = rules
        self._exact = {key: rule for key, rule in rules.items() if "{" not in rule.path}
        self._templates = [(rule, compile_path(rule.path)[0]) for rule in rules.values() if "{" in rule.path]
        self._admit = admit
        self._body_limits = body_limits
        self._patience = Patience()
        self.load = Load()
        self.access_log = AccessLog(door)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        scope["churn_request_id"] = _request_id(scope)
        REQUEST.set(scope)
        rule = self._rule_of(scope)
        scope["churn_route"] = rule.path
        answer = _Answer(scope["churn_request_id"], send, careful_headers(rule.path))
        began = time.perf_counter()
        load = self.load
        if load.now >= load.most and rule.path not in UNLIMITED:
            await self._turn_away(scope, rule, answer)
            return
        load.begin()
        try:
            await self._answer(scope, rule, receive, answer)
        finally:
            load.end()
            self._count(scope, rule, answer, time.perf_counter() - began)

    def _rule_of(self, scope: Scope) -> Rule:
        method, path = scope["method"], scope["path"]
        if method == "HEAD":
            method = "GET"
        found = self._exact.get((method, path))
        if found is None:
            found = next((rule for rule, form in self._templates if rule.method == method and form.match(path)), None)
        return found or UNMATCHED

    async def _answer(self, scope: Scope, rule: Rule, receive: Receive, answer: "_Answer") -> None:
        body = IncomingBody(receive, self._body_limits[rule.body], self._patience)
        try:
            if (waiting := self._admit(scope, rule)) is not None:
                await waiting
            body.require_less(_announced(scope))
            app = self._shortcuts.get((scope["method"], scope["path"]), self._app)
            await app(scope, body.receive, answer.send)
        except ClientDisconnect:
            log.info("client left")
        except Exception as error:  # noqa: BLE001  the edge of the process: nothing may pass but a problem
            await self._refuse(scope, answer, error)

    async def _turn_away(self, scope: Scope, rule: Rule, answer: "_Answer") -> None:
        """Refuse for want of room: counted, but no line in a log, of which there would be thousands."""
        await problem(Request(scope), 503, FULL, headers={"retry-after": "1"})(scope, _nothing, answer.send)
        telemetry.count_request(self._door, rule.path, _method(scope), status=answer.status, seconds=0.0)
        telemetry.count_refused(self._door, "full")

    async def _refuse(self, scope: Scope, answer: "_Answer", error: Exception) -> None:
        request = Request(scope)
        refusal = await explain(request, error)
        if refusal is None:
            log.error("request failed", extra={"kind": type(error).__name__, "place": _place(error)})
            detail = "something unexpected happened here: the log knows it by the request_id"
            refusal = problem(request, 500, detail)
        if not answer.has_begun:
            await refusal(scope, _nothing, answer.send)

    def _count(self, scope: Scope, rule: Rule, answer: "_Answer", seconds: float) -> None:
        status = answer.status
        telemetry.count_request(self._door, rule.path, _method(scope), status=status, seconds=seconds)
        if status in REFUSALS and rule.path not in UNLIMITED:
            telemetry.count_refused(self._door, REFUSALS[status])
        if status >= OUR_FAULT or seconds >= self.access_log.from_seconds:
            self.access_log.write(scope, rule.path, status=status, seconds=seconds, headers=answer.headers)


class _Answer:
    """Puts the request's id, and cautions for browsers, on the answer, and remembers the status.

    499: the client left before there was one.
    """

    __slots__ = ("_added", "_send", "has_begun", "headers", "status")

    def __init__(self, request_id: str, send: Send, careful: Headers) -> None:
        self.status = 499
        self.has_begun = False
        self.headers: list[tuple[bytes, bytes]] = []
        self._added = ((b"x-request-id", request_id.encode()), *careful)
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.has_begun = message["status"], True
            message["headers"] = self.headers = [*message["headers"], *self._added]
        await self._send(message)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "OTHER"


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.match(value):
            return str(value.decode())
    return os.urandom(16).hex()


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:18])
    return 0


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else "?"


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
