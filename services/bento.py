"""The BentoML door: the application mounted in one service."""

from functools import partial
from typing import Any, cast

import bentoml
import uvicorn
from _bentoml_sdk import Service  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from churn.settings import set_library_defaults
from services.settings import Door, ServiceSettings
from services.wire import WIRE

DOOR: Door = "bento"
SETTINGS = ServiceSettings()


OWN_PATHS = frozenset({"/livez", "/healthz", "/readyz"})
"""What BentoML answers itself."""


class Mounted:
    """What is mounted: not a Starlette application, so that BentoML leaves every path but its own three to it."""

    def __init__(self) -> None:
        self._app: Any = None

    def open(self, app: Any) -> None:
        """Set what answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)


mounted = Mounted()


class Direct:
    """A worker's application: what is mounted, and behind it BentoML for its own paths, its start and its end."""

    def __init__(self, behind: ASGIApp) -> None:
        self._behind = behind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] not in OWN_PATHS:
            await mounted(scope, receive, send)
        else:
            await self._behind(scope, receive, send)


class LeanService(Service[Any]):  # type: ignore[misc]
    """A service without BentoML's layers round each request.

    Tracing is off here, its access log too; the request context serves BentoML's own APIs, of which there are none; and
    the time-out keeps a timer of each request for a minute, which doubled its cost and made pauses of 200 ms. What is
    left, two layers of Starlette and the search through its routes, does nothing for what is mounted.
    """

    def to_asgi(self, is_main: bool = True) -> Direct:  # noqa: FBT001, FBT002  BentoML's signature
        """Return the application that a worker runs."""
        # BentoML starts uvicorn right after this, and has no settings for it.
        uvicorn.Config = partial(uvicorn.Config, **WIRE)  # type: ignore[misc,assignment]
        app: Starlette = super().to_asgi(is_main)
        app.user_middleware.clear()
        return Direct(app)


@bentoml.service(
    name="churn",
    workers=SETTINGS.workers,
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    service_class=LeanService,
)
@bentoml.asgi_app(mounted, path="/")
class Churn:
    """One worker; BentoML's parent process imports this module too, so everything heavy waits for `__init__`."""

    def __init__(self) -> None:
        set_library_defaults()
        from services.api.app import create_app  # noqa: PLC0415  see the class
        from services.logs import configure_logs  # noqa: PLC0415
        from services.worker import Worker  # noqa: PLC0415

        self.worker = Worker(DOOR, SETTINGS)
        configure_logs(DOOR, SETTINGS.log_format, version=lambda: self.worker.live.version)
        self.worker.open()
        mounted.open(create_app(self.worker, owns_worker=False))

    def __is_ready__(self) -> bool:
        """Say whether a model is live."""
        return self.worker.live.served is not None

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Write and sync what is recorded."""
        self.worker.close()


def serve(settings: ServiceSettings, *, host: str, port: int) -> None:
    """Serve until SIGTERM; a worker that dies is replaced."""
    from _bentoml_impl.server import serve_http  # type: ignore[import-untyped]  # noqa: PLC0415
    from bentoml._internal.utils import circus  # noqa: PLC0415

    # BentoML looks for dead workers every ten seconds, and has no setting for it.
    circus.create_standalone_arbiter = partial(circus.create_standalone_arbiter, check_delay=1.0)
    cast("LeanService", Churn).inject_config()
    serve_http(
        "services.bento:Churn", working_dir=".", host=host, port=port, timeout_graceful_shutdown=settings.drain_seconds
    )
