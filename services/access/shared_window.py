"""The shared window: the same count in Redis, for all workers and doors."""

import asyncio
import logging
import time
from collections.abc import Callable

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from services.access.window import STEP_SECONDS, STEPS

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.05
REST_SECONDS = 5.0
"""So long Redis is not asked after it failed to answer."""

PREFIX = "churn:limit:"

TAKE = f"""
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1e6
local step = math.floor(now / {STEP_SECONDS})
local total, oldest = 0, step
local counts = redis.call('HGETALL', KEYS[1])
for at = 1, #counts, 2 do
  local found = tonumber(counts[at])
  if found < step - {STEPS} then
    redis.call('HDEL', KEYS[1], counts[at])
  else
    total = total + tonumber(counts[at + 1])
    if found < oldest then oldest = found end
  end
end
if total >= tonumber(ARGV[1]) then
  return tostring((oldest + {STEPS} + 1) * {STEP_SECONDS} - now)
end
redis.call('HINCRBY', KEYS[1], step, 1)
redis.call('EXPIRE', KEYS[1], {STEP_SECONDS * (STEPS + 2)})
return '0'
"""
"""What Window.take does, in one step for everybody, by Redis' own clock."""


class SharedWindow:
    """Asks Redis, and rests when it is away."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rests_until = float("-inf")
        self._redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._take = self._redis.register_script(TAKE)

    async def take(self, subject: str, limit: int) -> float:
        """Do as Window.take; while Redis is away it objects to nothing: each worker's own window decides."""
        if self._clock() < self._rests_until:
            return 0.0
        try:
            async with asyncio.timeout(2 * TIMEOUT_SECONDS):
                return float(await self._take(keys=[PREFIX + subject], args=[limit]))
        except (RedisError, OSError, TimeoutError) as error:
            self._rests_until = self._clock() + REST_SECONDS
            log.warning("redis away: each worker counts for itself", extra={"kind": type(error).__name__})
            return 0.0

    async def close(self) -> None:
        """Close its connections."""
        await self._redis.aclose()
