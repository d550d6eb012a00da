"""Sending: customers to running doors, at a fixed rate whatever becomes of those before, or as fast as they answer."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count

import httpx
import numpy as np

CROWD = 8
"""Clients at once when no rate is given."""

MOST_CONNECTIONS = 200
TRY_SECONDS = 5.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0
TOLD_EVERY_SECONDS = 5.0
TRY_ELSEWHERE = frozenset({429, 502, 503, 504})
"""What another door, or the same a little later, may answer otherwise."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast is sent, and how long.

    Attributes:
        rate: requests a second, whatever becomes of those before; None: eight clients, each as fast as it is answered.
        seconds: how long, from the first customer again when all were sent; None: each customer once.
        patience_seconds: how long a request is tried, at this door and the others, before it counts as failed.
    """

    rate: float | None = None
    seconds: float | None = None
    patience_seconds: float = 10.0


ONCE_EACH = Pace()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came back. Answered, refused and failed add up to sent.

    Attributes:
        prediction_ids: of the answered, in the order of the requests.
        probabilities: likewise.
        customers: likewise: which of the customers each was, from 0.
        refused: answers with a status of 400 and more that no other door would better.
        failed: requests that no door answered in time.
        tries_again: how often a request was sent once more, there or elsewhere.
        statuses: of the refused.
        by_door: answered, by who answered.
        milliseconds: 50, 95, 99 and 100 % of the answers were there in so many, with all repeats.
    """

    prediction_ids: tuple[str, ...]
    probabilities: tuple[float, ...]
    customers: tuple[int, ...]
    sent: int
    refused: int
    failed: int
    tries_again: int
    seconds: float
    statuses: Mapping[int, int] = field(default_factory=dict)
    by_door: Mapping[str, int] = field(default_factory=dict)
    milliseconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """How many were answered with a prediction."""
        return len(self.prediction_ids)

    @property
    def lost(self) -> int:
        """How many were not: refused or failed."""
        return self.refused + self.failed

    def counts(self) -> dict[str, object]:
        """Return all but the answers themselves, for JSON."""
        found = asdict(self) | {"answered": self.answered}
        return {name: value for name, value in found.items() if not isinstance(value, tuple)}


def send(
    customers: Sequence[Mapping[str, object]],
    doors: Sequence[str],
    *,
    pace: Pace = ONCE_EACH,
    api_key: str | None = None,
    tell: Tell = lambda _: None,
) -> Sent:
    """Send customers to the doors in turn, and count what comes back.

    A request that breaks off, or meets a door that is away or busy, goes to the next door with the same key, so that
    it is stored once.

    Args:
        customers: JSON objects, at least one.
        doors: addresses such as http://127.0.0.1:3000.
        pace: how fast.
        api_key: where prediction needs one.
        tell: is told every five seconds how it goes.
    """
    return asyncio.run(_Sending(customers, [door.rstrip("/") for door in doors], pace, api_key).run(tell))


@dataclass(frozen=True, slots=True)
class _Answer:
    number: int
    seconds: float
    status: int
    """0: none."""

    found: Mapping[str, object]


class _Sending:
    """One sending, while it goes on."""

    def __init__(
        self, customers: Sequence[Mapping[str, object]], doors: Sequence[str], pace: Pace, api_key: str | None
    ) -> None:
        self._customers, self._doors, self._pace = customers, doors, pace
        self._headers = {"x-api-key": api_key} if api_key else {}
        self._answers: list[_Answer] = []
        self._sent = self._again = 0
        self._began = time.monotonic()

    async def run(self, tell: Tell) -> Sent:
        limits = httpx.Limits(max_connections=MOST_CONNECTIONS)
        async with httpx.AsyncClient(headers=self._headers, limits=limits, timeout=TRY_SECONDS) as client:
            self._began = time.monotonic()  # making a client takes longer than many a request
            teller = asyncio.create_task(self._tell(tell))
            try:
                await (self._crowd(client) if self._pace.rate is None else self._stream(client, self._pace.rate))
            finally:
                teller.cancel()
        return self._counted()

    async def _stream(self, client: httpx.AsyncClient, rate: float) -> None:
        async with asyncio.TaskGroup() as group:
            async for number in self._numbers():
                await asyncio.sleep(max(0.0, self._began + number / rate - time.monotonic()))
                group.create_task(self._ask(client, number))

    async def _crowd(self, client: httpx.AsyncClient) -> None:
        numbers = self._numbers()

        async def one() -> None:
            async for number in numbers:
                await self._ask(client, number)

        async with asyncio.TaskGroup() as group:
            for _ in range(CROWD):
                group.create_task(one())

    def _numbers(self) -> "_Numbers":
        return _Numbers(self._pace, len(self._customers), self._began)

    async def _ask(self, client: httpx.AsyncClient, number: int) -> None:
        self._sent += 1
        at = time.monotonic()
        body, headers = self._customers[number % len(self._customers)], {"idempotency-key": uuid.uuid4().hex}
        status, found = 0, dict[str, object]()
        for attempt in count():
            status, found = await self._try(client, (number + attempt) % len(self._doors), body, headers)
            pause = _pause_after(*divmod(attempt + 1, len(self._doors)))
            is_late = time.monotonic() + pause - at > self._pace.patience_seconds
            if is_late or (status != 0 and status not in TRY_ELSEWHERE):
                break
            self._again += 1
            await asyncio.sleep(pause)
        self._answers.append(_Answer(number, time.monotonic() - at, status, found))

    async def _try(
        self, client: httpx.AsyncClient, door: int, body: Mapping[str, object], headers: Mapping[str, str]
    ) -> tuple[int, dict[str, object]]:
        try:
            answer = await client.post(f"{self._doors[door]}/predict", json=body, headers=dict(headers))
            return answer.status_code, answer.json() if answer.status_code == httpx.codes.OK else {}
        except (httpx.TransportError, ValueError):  # ValueError: a proxy that answers 200 without JSON
            return 0, {}

    async def _tell(self, tell: Tell) -> None:
        while True:
            await asyncio.sleep(TOLD_EVERY_SECONDS)
            good = sum(answer.status == httpx.codes.OK for answer in self._answers)
            bad = len(self._answers) - good
            tell(f"{self._sent:,} sent, {good:,} answered, {bad:,} not, {self._again:,} tried again")

    def _counted(self) -> Sent:
        answers = sorted(self._answers, key=lambda answer: answer.number)
        good = [answer for answer in answers if answer.status == httpx.codes.OK]
        refused = [answer.status for answer in answers if answer.status >= 400 and answer.status not in TRY_ELSEWHERE]
        return Sent(
            prediction_ids=tuple(str(answer.found["prediction_id"]) for answer in good),
            probabilities=tuple(float(str(answer.found["churn_probability"])) for answer in good),
            customers=tuple(answer.number % len(self._customers) for answer in good),
            sent=self._sent,
            refused=len(refused),
            failed=self._sent - len(good) - len(refused),
            tries_again=self._again,
            seconds=round(time.monotonic() - self._began, 3),
            statuses=dict(Counter(refused)),
            by_door=dict(Counter(str(answer.found.get("served_by", "")) for answer in good)),
            milliseconds=_milliseconds([answer.seconds for answer in good]),
        )


class _Numbers(AsyncIterator[int]):
    """The numbers of the requests, from 0, until the pace says that it is enough."""

    def __init__(self, pace: Pace, customers: int, began: float) -> None:
        self._pace, self._customers, self._began = pace, customers, began
        self._next = 0

    async def __anext__(self) -> int:
        number, self._next = self._next, self._next + 1
        seconds = self._pace.seconds
        if seconds is None:
            is_over = number >= self._customers
        elif self._pace.rate is not None:
            is_over = number >= seconds * self._pace.rate
        else:
            is_over = time.monotonic() - self._began >= seconds
        if is_over:
            raise StopAsyncIteration
        return number


def _pause_after(rounds: int, doors: int) -> float:
    """Return the pause after so many rounds of all doors, and doors of the next one: none within a round."""
    return min(FIRST_PAUSE_SECONDS * 2 ** (rounds - 1), LONGEST_PAUSE_SECONDS) if doors == 0 else 0.0


def _milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    found = np.percentile(np.array(seconds) * 1000, [50, 95, 99, 100])
    return {name: round(float(value), 2) for name, value in zip(("p50", "p95", "p99", "max"), found, strict=True)}
