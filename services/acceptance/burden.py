"""A burden: customers sent to a door at a fixed rate, whatever becomes of those before, and what came of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import ceil

import httpx

from services.acceptance.outcome import Case
from services.acceptance.witness import Witness, headers_of

NO_ANSWER = 0
"""Status of a request whose connection broke, or that was not answered in time."""


@dataclass(frozen=True, slots=True)
class Burden:
    """How much is sent.

    Attributes:
        rate: requests in a second.
        wait_seconds: until an answer is given up.
    """

    seconds: float = 20.0
    rate: float = 50.0
    wait_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What is borne; None: any.

    Attributes:
        error_rate: share of the requests, 0 to 1, that may go unanswered or be answered with something else than 200.
        p99_ms: milliseconds in which 99 of 100 answers are there, counted from when they were due to be sent.
    """

    error_rate: float = 0.0
    p99_ms: float | None = None


@dataclass(slots=True)
class Borne:
    """What came of it; latencies in milliseconds, of the requests that were answered 200."""

    sent: int = 0
    failed: int = 0
    error_rate: float = 0.0
    rate: float = 0.0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    worst_ms: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def as_members(self) -> dict[str, object]:
        """Return it for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    seconds: float
    version: str


def bear(url: str, burden: Burden, *, api_key: str | None = None) -> Borne:
    """Send the contract's example to a door for a while.

    Raises:
        WrongError: the door has no example of a customer to send.
        HTTPError: no door is there.
    """
    with Witness(url, api_key=api_key) as witness:
        customer = witness.customer()
    began = time.monotonic()
    answers = asyncio.run(_send_all(f"{url.rstrip('/')}/api/v1/predict", customer, burden, headers_of(api_key)))
    return _summary(answers, time.monotonic() - began)


def judge(borne: Borne, limits: Limits) -> list[Case]:
    """Hold what came of it against the limits."""
    cases = [Case("requests are answered", _too_much("error rate", borne.error_rate, limits.error_rate, borne))]
    if limits.p99_ms is not None:
        cases.append(Case("answers are quick", _too_much("p99 in ms", borne.p99_ms, limits.p99_ms, borne)))
    return cases


def _too_much(name: str, found: float, most: float, borne: Borne) -> str:
    if not borne.sent:
        return "nothing was sent"
    return f"{name} {found:.4g} is above {most:.4g}; statuses {borne.statuses}" if found > most else ""


async def _send_all(url: str, customer: object, burden: Burden, headers: dict[str, str]) -> list[_Answer]:
    """An open loop: a slow answer does not make the next request wait, so that it can't hide behind it."""
    began, tasks = time.monotonic(), []
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    async with httpx.AsyncClient(headers=headers, timeout=burden.wait_seconds, limits=limits) as client:
        for number in range(max(1, round(burden.seconds * burden.rate))):
            due = began + number / burden.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.append(asyncio.create_task(_send(client, url, customer, due)))
        return list(await asyncio.gather(*tasks))


async def _send(client: httpx.AsyncClient, url: str, customer: object, due: float) -> _Answer:
    try:
        answer = await client.post(url, json=customer, params={"explain": "false"})
        version = str(answer.json()["model_version"]) if answer.status_code == 200 else ""
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return _Answer(NO_ANSWER, time.monotonic() - due, "")
    return _Answer(answer.status_code, time.monotonic() - due, version)


def _summary(answers: Sequence[_Answer], seconds: float) -> Borne:
    good = sorted(answer.seconds * 1000 for answer in answers if answer.status == 200)
    failed = len(answers) - len(good)
    return Borne(
        sent=len(answers),
        failed=failed,
        error_rate=failed / len(answers),
        rate=round(len(answers) / seconds, 2),
        p50_ms=_percentile(good, 50),
        p95_ms=_percentile(good, 95),
        p99_ms=_percentile(good, 99),
        worst_ms=_percentile(good, 100),
        statuses={str(status): count for status, count in Counter(answer.status for answer in answers).items()},
        versions=dict(Counter(answer.version for answer in answers if answer.version)),
    )


def _percentile(ascending: Sequence[float], percent: int) -> float:
    """Return the value that so many of 100 do not exceed; 0 when there is none."""
    return round(ascending[ceil(len(ascending) * percent / 100) - 1], 3) if ascending else 0.0
