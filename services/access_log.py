"""The access log: a line per request when it is switched on, and always for failures of ours and slow answers."""

import logging
from collections.abc import Iterable

from starlette.types import Scope

from services.settings import ServiceSettings

log = logging.getLogger(__name__)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OUR_FAULT = 500
VERSION_HEADER = b"x-model-version"


class AccessLog:
    """Writes lines about requests: template, never path or query, which may hold a customer's id.

    Attributes:
        from_seconds: requests that take so long are written; 0: all are.
    """

    def __init__(self, door: str, *, is_on: bool = False, slow_seconds: float = 1.0) -> None:
        self.from_seconds = 0.0 if is_on else slow_seconds
        self._door = door
        self._slow_seconds = slow_seconds

    def write(
        self, scope: Scope, route: str, *, status: int, seconds: float, headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        """Write a line. Call it when `status` is 500 or more, or `seconds` are not below `from_seconds`.

        Args:
            scope: the request's.
            route: the template that it matched.
            status: of the answer; 499 when the client left first.
            seconds: until the answer's last byte.
            headers: the answer's, which name the version that answered.
        """
        is_slow = seconds >= self._slow_seconds
        log.log(
            logging.WARNING if is_slow or status >= OUR_FAULT else logging.INFO,
            "request answered slowly" if is_slow else "request answered",
            extra={
                "door": self._door,
                "method": scope["method"] if scope["method"] in METHODS else "OTHER",
                "route": route,
                "status": status,
                "milliseconds": round(seconds * 1000, 2),
                "model_version": _version(headers),
                "subject": getattr(scope.get("churn_subject"), "kind", None),
            },
        )


def access_log(door: str, settings: ServiceSettings) -> AccessLog:
    """Return the access log that the settings ask for."""
    return AccessLog(door, is_on=settings.access_log, slow_seconds=settings.slow_seconds)


def _version(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    found = next((value for name, value in headers if name == VERSION_HEADER), b"")
    return int(found) if found.isdigit() else None
