"""CORS: which origins' pages may call the doors from a browser."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

METHODS = ("GET", "POST", "DELETE")
ASKED = ("Accept", "Authorization", "Content-Type", "Idempotency-Key", "X-API-Key", "X-Request-ID", "Traceparent")
SHOWN = ("X-Request-ID", "X-Served-By", "X-Model-Version", "Retry-After", "RateLimit-Reset", "Location")
KEPT_SECONDS = 600


def allow_origins(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Return the application for these origins' pages; with none it stays as it is, and costs nothing.

    Preflights are answered before anybody is asked who he is: browsers send no credentials with them. Cookies are not
    used, so none are allowed.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app, allow_origins=origins, allow_methods=METHODS, allow_headers=ASKED, expose_headers=SHOWN,
        max_age=KEPT_SECONDS,
    )  # fmt: skip
