import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from churn.contract.contract import Contract
from churn.stores.api_keys import ApiKeyStore
from churn.stores.database import open_migrated
from tests.faults.amounts import amount
from tests.faults.conftest import Shop
from tests.faults.doors import Home, OpenDoor, attendants, wait_until
from tests.faults.scores import SAME_SCORE
from tests.faults.tally import tell
from tests.faults.wire import Answer, Wire
from tests.services.fuzzing import Sent
from tests.services.mutations import Mutator

pytestmark = pytest.mark.slow

SEED = 20_26
AT_ONCE = 8
WARM_REQUESTS = 2_000
"""The first of their kind load Arrow and SQLAlchemy."""
MOST_GROWTH_MEGABYTES = 100
OWN_WORDS = ("/v2", "/invocations", "/ping", "/version")
"""Protocols that refuse in their own shape."""


@dataclass
class Found:
    """What the fuzzing of both doors brought to light."""

    statuses: Counter[int] = field(default_factory=Counter)
    answered: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


@pytest.mark.usefixtures("on_disk")
def test_no_request_makes_a_door_fail_and_both_doors_answer_alike(
    open_door: Callable[..., OpenDoor], home: Home, shop: Shop, telco: Contract
) -> None:
    del shop
    home.environment |= {"CHURN_REQUESTS_PER_MINUTE": "10000000", "CHURN_SIGN_INS_PER_MINUTE": "10000000",
                         "CHURN_EMBEDDED_JOBS": "false"}  # fmt: skip
    doors = [open_door("bento").ready(), open_door("fastapi").ready()]
    wait_until(lambda: attendants(home), "an attendant is at work")
    wait_until(lambda: doors[0].health()["database_reachable"], "it has made the tables")
    document = json_of(doors[0], "/openapi.json")
    mutator = Mutator(document, telco.example, seed=SEED, credential={"x-api-key": admin_key(home)})
    workers = [door.worker_processes() for door in doors]
    found, count = Found(), amount("fuzzed requests")
    requests = iter(mutator.requests(count))

    began = time.monotonic()
    asyncio.run(fuzz(doors, requests, found, WARM_REQUESTS))
    before = [megabytes(each) for each in workers]
    asyncio.run(fuzz(doors, requests, found, count))
    growth = max(megabytes(each) - old for each, old in zip(workers, before, strict=True))

    undisturbed = [each.worker_processes() == old for each, old in zip(doors, workers, strict=True)]
    tell("T10", "hostile requests, each sent to both doors", faults=count, requests=sum(found.statuses.values()),
         answers_5xx=sum(times for status, times in found.statuses.items() if status >= 500),
         worker_deaths=undisturbed.count(False), differences=len(found.differences),
         memory_growth_megabytes=round(growth), seconds=round(time.monotonic() - began))  # fmt: skip
    assert found.failures[:5] == []
    assert found.differences[:5] == []
    assert undisturbed == [True, True]
    assert growth <= MOST_GROWTH_MEGABYTES
    assert set(found.statuses) >= {200, 400, 401, 404, 405, 415, 422}
    assert sum(found.statuses.values()) == 2 * count
    documented = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert documented - found.answered == set()
    assert [door.predict(telco.example)[0] for door in doors] == [200, 200]


async def fuzz(doors: list[OpenDoor], requests: Any, found: Found, count: int) -> None:
    """Send up to `count` of the requests, some at a time."""

    async def run() -> None:
        wires = [Wire(door.port) for door in doors]
        while count > len(taken) and (sent := next(requests, None)) is not None:
            taken.append(None)
            answers = [await _exchange(wire, sent) for wire in wires]
            _judge(sent, answers, found)
        for wire in wires:
            await wire.close()

    taken: list[None] = []
    await asyncio.gather(*(run() for _ in range(AT_ONCE)))


async def _exchange(wire: Wire, sent: Sent) -> Answer | str:
    for _ in range(2):  # a connection may be closed right after a refusal
        try:
            async with asyncio.timeout(20):
                return await wire.exchange(as_bytes(sent), has_body=sent.method != "HEAD")
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            broken = f"{type(error).__name__}: {error}"
    return broken


def as_bytes(sent: Sent) -> bytes:
    """Write a request down as it is, however strange."""
    headers = {"host": "a", **sent.headers, "content-length": str(len(sent.body))}
    lines = [f"{sent.method} {sent.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + sent.body


def _judge(sent: Sent, answers: list[Answer | str], found: Found) -> None:
    for answer in answers:
        if isinstance(answer, str):
            found.failures.append(f"no answer ({answer}): {sent}")
            return
        found.statuses[answer.status] += 1
        if fault := _fault(sent, answer):
            found.failures.append(f"{fault}: {sent}: {answer.content[:300]!r}")
    found.answered.add(sent.operation)
    first, second = (each for each in answers if isinstance(each, Answer))
    if not (_is_bentos_own(sent) or _alike(first, second)):
        found.differences.append(f"{first.status}, {second.status}, {_score(first)}, {_score(second)}: {sent}")


def _is_bentos_own(sent: Sent) -> bool:
    """BentoML answers two paths itself, also to HEAD."""
    return sent.method == "HEAD" and sent.path in ("/livez", "/readyz")


def _alike(first: Answer, second: Answer) -> bool:
    if 429 in (first.status, second.status):  # the jobs' queue may be full at the second door because of the first
        return True
    scores = _score(first), _score(second)
    return first.status == second.status and abs(scores[0] - scores[1]) <= SAME_SCORE


def _fault(sent: Sent, answer: Answer) -> str:
    if answer.status >= 500:
        return f"status {answer.status}"
    if answer.status < 400 or sent.method == "HEAD" or answer.content == b"Invalid HTTP request received.":
        return ""
    try:
        told = answer.json()
    except ValueError:
        return f"a refusal {answer.status} that is no JSON"
    if sent.path.startswith(OWN_WORDS) and answer.status != 404:
        return ""
    return "" if told.get("status") == answer.status else f"a refusal {answer.status} that is no problem"


def _score(answer: Answer) -> float:
    if answer.status != 200 or not answer.content.startswith(b'{"churn_probability"'):
        return 0.0
    return float(answer.json()["churn_probability"])


def admin_key(home: Home) -> str:
    """Make a key that may do everything."""
    engine = open_migrated(f"sqlite:///{home.database}")
    return ApiKeyStore(engine).issue("fuzz", role="admin", created_by="test", days=1)[1]


def json_of(door: OpenDoor, path: str) -> Any:
    import json

    status, content = door.ask("GET", path)
    assert status == 200
    return json.loads(content)


def megabytes(processes: list[Any]) -> float:
    return float(max(each.memory_info().rss for each in processes) / 2**20)
