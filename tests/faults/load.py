"""An open loop: predictions are sent at a fixed rate, whatever becomes of those before; each is remembered."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

from tests.faults.wire import Wire

BROKEN = 0
"""Status of a request whose connection broke, or that was not answered in time."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One prediction that was asked for.

    Attributes:
        key: its Idempotency-Key, so also its prediction_id.
        customer: which of the load's customers.
        at: when it was sent, in seconds of the monotonic clock.
        seconds: until its whole answer was there.
    """

    key: str
    customer: int
    at: float
    seconds: float
    status: int
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return str(self.found.get("model_version", ""))

    @property
    def door(self) -> str:
        return str(self.found.get("served_by", ""))

    @property
    def is_acknowledged(self) -> bool:
        return self.status == 200 and bool(self.found["recorded"])


class OpenLoad:
    """Sends from a thread of its own until `finish`.

    Args:
        port: on this machine.
        customers: sent in turn.
        name: begins each key.
        rate: requests in a second.
        tries: how often a request whose connection broke is sent, with the same key.
        patience: seconds until an answer is given up.
    """

    def __init__(
        self, port: int, customers: Sequence[dict[str, Any]], *, name: str, rate: float, tries: int = 1,
        patience: float = 5.0,
    ) -> None:  # fmt: skip
        self.answers: list[Answered] = []
        self.breaks = 0
        self._port, self._name, self._rate = port, name, rate
        self._bodies = [json.dumps(each).encode() for each in customers]
        self._tries, self._patience = tries, patience
        self._idle: list[Wire] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self) -> "OpenLoad":
        self._thread.start()
        return self

    def finish(self) -> "OpenLoad":
        self._stopping.set()
        self._thread.join()
        return self

    @property
    def failed(self) -> Counter[int]:
        return Counter(each.status for each in self.answers if each.status != 200)

    @property
    def acknowledged(self) -> set[str]:
        return {each.key for each in self.answers if each.is_acknowledged}

    def worst_seconds(self, since: float = 0.0, until: float = float("inf")) -> float:
        return max((each.seconds for each in self.answers if since <= each.at < until), default=0.0)

    def milliseconds(self, percent: int, since: float = 0.0, until: float = float("inf")) -> float:
        found = [each.seconds for each in self.answers if since <= each.at < until and each.status == 200]
        return quantiles(found, n=100)[percent - 1] * 1000

    async def _run(self) -> None:
        began, number = time.monotonic(), 0
        tasks = set()
        while not self._stopping.is_set():
            number += 1
            task = asyncio.create_task(self._send(number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            await asyncio.sleep(max(0.0, began + number / self._rate - time.monotonic()))
        await asyncio.gather(*tasks)
        for wire in self._idle:
            await wire.close()

    async def _send(self, number: int) -> None:
        key, customer = f"{self._name}-{number:08}", number % len(self._bodies)
        at, status, found = time.monotonic(), BROKEN, {}
        for _ in range(self._tries):
            try:
                status, found = await asyncio.wait_for(self._exchange(key, self._bodies[customer]), self._patience)
                break
            except (TimeoutError, OSError, EOFError, ValueError):
                self.breaks += 1
                await asyncio.sleep(0.05)
        self.answers.append(Answered(key, customer, at, time.monotonic() - at, status, found))

    async def _exchange(self, key: str, body: bytes) -> tuple[int, dict[str, Any]]:
        wire = self._idle.pop() if self._idle else Wire(self._port)
        head = (
            f"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
            f"idempotency-key: {key}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        answer = await wire.exchange(head.encode() + body)
        self._idle.append(wire)
        return answer.status, answer.json() if answer.content else {}
