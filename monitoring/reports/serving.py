"""Serving: the report folder, read-only, for browsers and for links from Grafana."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import PurePosixPath

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from churn.errors import UsageError
from monitoring.settings import MonitoringSettings

SHOWN = frozenset({".html", ".md", ".json", ".png", ".svg"})
"""Kinds of files that reports are made of; whatever else lies in the folder is not there."""

OWN_PAGES = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"
# Evidently's pages bring their scripts inside. They run as nobody's page: no cookies, no requests, no other report.
WITH_SCRIPTS = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
ALWAYS = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
SCRIPTED = {("drift",)}
"""Folders of such pages."""


class ReportFiles(StaticFiles):
    """Files of reports, each with a policy that fits what made it."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find a file; what is hidden, or is no report, is not there."""
        found, facts = super().lookup_path(path)
        asked = PurePosixPath(path)
        is_hidden = any(part.startswith(".") for part in asked.parts)
        if facts is None or is_hidden or (stat.S_ISREG(facts.st_mode) and asked.suffix not in SHOWN):
            return "", None
        return found, facts

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a file, or 404."""
        answer = await super().get_response(path, scope)
        policy = WITH_SCRIPTS if PurePosixPath(path).parts[:1] in SCRIPTED else OWN_PAGES
        answer.headers["Content-Security-Policy"] = f"{policy}; {ALWAYS}"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def create_app(settings: MonitoringSettings) -> Starlette:
    """Return the application; the report folder is there.

    A name that is not this machine's is refused, so that no page on the web can read the reports through a browser
    here by pointing its own name at this address.
    """
    names = ["localhost", "127.0.0.1", "[::1]", settings.reports_host, *settings.reports_names]
    files = ReportFiles(directory=settings.report_folder, html=True)
    return Starlette(routes=[Mount("/", files)], middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=names)])


def serve(settings: MonitoringSettings, *, say: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        UsageError: the port is taken.
    """
    host, port = settings.reports_host, settings.reports_port
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise UsageError(f"can't listen on {host}:{port}: {error.strerror}. Choose another with --port") from error
    say(f"reports at http://{host}:{port}/")
    config = uvicorn.Config(create_app(settings), log_level="warning", server_header=False)
    uvicorn.Server(config).run(sockets=[listening])
