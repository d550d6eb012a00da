"""Limits: most requests of a subject in a minute."""

import math
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from starlette.exceptions import HTTPException

from services.access.window import Window
from services.settings import ServiceSettings

if TYPE_CHECKING:
    from services.access.shared_window import SharedWindow

Kind = Literal["predictions", "requests", "sign_ins", "credentials"]
"""What is counted, each apart. Credentials: tokens and keys that this worker sees for the first time, by address."""


class Limits:
    """Counts in this process, and in Redis when there is one: its loss leaves each worker its own count."""

    def __init__(self, settings: ServiceSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._window = Window(clock)
        self._shared = _shared(settings, clock)
        self._most: dict[Kind, int] = {
            "predictions": settings.predict_per_minute,
            "requests": settings.requests_per_minute,
            "sign_ins": settings.sign_ins_per_minute,
            "credentials": settings.requests_per_minute,
        }

    def is_off(self, kind: Kind) -> bool:
        """Say whether nothing is counted."""
        return self._most[kind] == 0

    def take(self, kind: Kind, subject: str) -> Awaitable[None] | None:
        """Count one request.

        Returns:
            None: it may go on. Otherwise something to wait for, which raises when it may not.

        Raises:
            HTTPException: 429.
        """
        limit, key = self._most[kind], f"{kind}:{subject}"
        if limit == 0:
            return None
        if wait := self._window.take(key, limit):  # what this worker alone let through is never more than all did
            raise too_many(limit, wait)
        return None if self._shared is None else self._take_shared(self._shared, key, limit)

    async def close(self) -> None:
        """Let go of Redis."""
        if self._shared is not None:
            await self._shared.close()

    async def _take_shared(self, shared: "SharedWindow", key: str, limit: int) -> None:
        wait = await shared.take(key, limit)
        if wait:
            self._window.give_back(key)
            raise too_many(limit, wait)


def too_many(limit: int, wait: float) -> HTTPException:
    """Return the refusal of one request too many."""
    seconds = max(1, math.ceil(wait))
    headers = {
        "retry-after": str(seconds),
        "ratelimit-limit": str(limit),
        "ratelimit-remaining": "0",
        "ratelimit-reset": str(seconds),
        "ratelimit-policy": f"{limit};w=60",
    }
    return HTTPException(429, f"more than {limit:,} in a minute: try again in {seconds} s", headers=headers)


def _shared(settings: ServiceSettings, clock: Callable[[], float]) -> "SharedWindow | None":
    if settings.redis_url is None:
        return None
    from services.access.shared_window import SharedWindow  # noqa: PLC0415  only who has Redis pays for its client

    return SharedWindow(settings.redis_url, clock)
