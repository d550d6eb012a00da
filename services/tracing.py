"""Tracing: a server span per request by OpenTelemetry, when the environment asks for it; off, nothing is imported.

Own and small, because the usual instrumentation puts whole addresses into spans, and a query may name a customer.
"""

import logging
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.access_log import METHODS, OUR_FAULT, VERSION_HEADER
from services.settings import is_tracing_wanted
from services.trace_context import SCOPE_KEY, TraceContext, trace_of

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

log = logging.getLogger(__name__)

UNTRACED = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked every few seconds by programs that nobody follows."""

SERVICE = "holdfast"
PATIENCE_SECONDS = 2.0
"""A collector that is away must not keep a door from ending."""


def traced(app: ASGIApp, door: str) -> ASGIApp:
    """Return the application with spans, or as it is when nobody asks for them."""
    if not is_tracing_wanted():
        return app
    try:
        return TracedApp(app, door, _provider(door))
    except ImportError:
        log.warning("tracing is asked for, but its exporter is not installed: `uv sync --group otel`")
        return app


class TracedApp:
    """An application whose requests are spans. They hold the route's template, status and version; never a value."""

    def __init__(self, app: ASGIApp, door: str, provider: "TracerProvider") -> None:
        self._app = app
        self._door = door
        self._provider = provider
        self._tracer = provider.get_tracer("holdfast.services")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] not in UNTRACED:
            await self._answer(scope, receive, send)
            return
        await self._app(scope, receive, send)
        if scope["type"] == "lifespan":  # a worker of the fallback ends without Python's own farewell
            with anyio.move_on_after(PATIENCE_SECONDS):
                await anyio.to_thread.run_sync(self._provider.shutdown, abandon_on_cancel=True)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415  see the module

        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        span = self._tracer.start_span(method, context=_parent(scope), kind=SpanKind.SERVER)
        scope[SCOPE_KEY] = _place(span, trace_of(scope))

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                _describe_answer(span, message)
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            self._end(span, scope, method)

    def _end(self, span: "Span", scope: Scope, method: str) -> None:
        route = scope.get("churn_route", "")
        span.update_name(f"{method} {route}".strip())
        span.set_attributes(
            {
                "http.request.method": method,
                "http.route": route,
                "churn.door": self._door,
                "churn.request_id": scope.get("churn_request_id", ""),
            }
        )
        span.end()


def _describe_answer(span: "Span", message: Message) -> None:
    from opentelemetry.trace import StatusCode  # noqa: PLC0415  see the module

    span.set_attribute("http.response.status_code", message["status"])
    if message["status"] >= OUR_FAULT:
        span.set_status(StatusCode.ERROR)
    version = next((value for name, value in message["headers"] if name == VERSION_HEADER), b"")
    if version.isdigit():
        span.set_attribute("churn.model_version", int(version))


def _parent(scope: Scope) -> "Context":
    """Return the caller's context; an empty one when its header does not hold."""
    from opentelemetry.context import Context  # noqa: PLC0415  see the module
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    if trace_of(scope).parent_id is None:
        return Context()
    sent = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in (b"traceparent", b"tracestate")
    }
    return TraceContextTextMapPropagator().extract(sent, context=Context())


def _place(span: "Span", asked: TraceContext) -> TraceContext:
    """Return what the logs say: the span's own ids. Only a span that is switched off has none."""
    own = span.get_span_context()
    if not own.is_valid:
        return asked
    return TraceContext(f"{own.trace_id:032x}", f"{own.span_id:016x}", asked.parent_id, own.trace_flags.sampled)


def _provider(door: str) -> "TracerProvider":
    """Make a provider that sends to where the usual variables say; it is nobody's but this application's."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=_resource(door))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _resource(door: str) -> "Resource":
    """Name this service, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES does."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415

    return Resource({"service.name": SERVICE, "churn.door": door}).merge(OTELResourceDetector().detect())
