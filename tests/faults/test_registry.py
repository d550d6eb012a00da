import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from churn.contract.contract import Contract
from tests.faults.doors import Home, OpenDoor, attendant_at_work, wait_until
from tests.faults.load import OpenLoad
from tests.faults.scores import customers
from tests.faults.tally import counted, tell
from tests.postgres import free_port

pytestmark = pytest.mark.slow

RATE = 50.0
MOOD_SECONDS = 1.0
START_SECONDS = 10.0
MOODS: dict[str, tuple[int, bytes]] = {
    "broken": (500, b'{"error_code": "INTERNAL_ERROR", "message": "no"}'),
    "overloaded": (503, b"<html>come again</html>"),
    "garbage": (200, b'{"model_version": [\xff\xfe'),
    "another shape": (200, b'{"hello": "world"}'),
    "forbidden": (403, b"Invalid Host header - possible DNS rebinding attack detected"),
    "unauthorised": (401, b"You are not authenticated."),
}


@dataclass
class ScriptedRegistry:
    """What stands where MLflow should be, and answers as it is told; `hangs` answers nothing at all."""

    mood: str = "hangs"
    asked: int = 0
    port: int = field(default_factory=free_port)

    def open(self) -> None:
        config = uvicorn.Config(
            self._answer, port=self.port, interface="asgi3", log_level="critical", access_log=False, lifespan="off",
            timeout_graceful_shutdown=0,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.mood = "broken"
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        self.asked += 1
        while self.mood == "hangs":
            await asyncio.sleep(0.1)
        status, content = MOODS[self.mood]
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": content})


@pytest.fixture
def scripted(home: Home) -> Iterator[ScriptedRegistry]:
    registry = ScriptedRegistry()
    registry.open()
    home.environment["CHURN_TRACKING_URI"] = f"http://127.0.0.1:{registry.port}"
    yield registry
    registry.close()


@pytest.mark.usefixtures("on_disk")
def test_whatever_the_registry_does_a_door_starts_from_its_disk_and_serves(
    open_door: Callable[..., OpenDoor], home: Home, telco: Contract, scripted: ScriptedRegistry
) -> None:
    door = open_door("fastapi")
    started = wait_until(door.is_ready, "it is ready though the registry hangs", seconds=60)
    attending = attendant_at_work(home)
    load = OpenLoad(door.port, customers(telco), name="registry", rate=RATE).start()
    told = {}
    for mood in MOODS:
        scripted.mood, before = mood, scripted.asked
        wait_until(lambda: scripted.asked >= before + 2, "it was asked again", seconds=60)  # noqa: B023
        time.sleep(MOOD_SECONDS)
        told[mood] = door.health()
    load.finish()

    assert [mood for mood, health in told.items() if health["registry_reachable"]] == []
    assert all(health["registry_problem"] for health in told.values())
    assert attendant_at_work(home) == attending
    assert {health["status"] for health in told.values()} == {"degraded"}
    assert (load.failed, load.breaks) == ({}, 0)
    assert {each.version for each in load.answers} == {"1"}
    tell("T5", "a registry that hangs, fails, or answers nonsense", faults=1 + len(MOODS), **counted([load]),
         start_seconds=round(started, 1), p99_milliseconds=round(load.milliseconds(99)))  # fmt: skip
