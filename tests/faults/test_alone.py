import socket
import time
from collections.abc import Callable, Iterator

import pytest

from churn.contract.contract import Contract
from tests.faults.doors import Home, OpenDoor, wait_until
from tests.faults.load import OpenLoad
from tests.faults.scores import customers
from tests.faults.tally import counted, tell
from tests.postgres import free_port

pytestmark = pytest.mark.slow

RATE = 50.0
SECONDS = 5.0


@pytest.fixture(params=["closed", "silent"])
def away(request: pytest.FixtureRequest, home: Home) -> Iterator[str]:
    """Registry, database and Redis of the home at one port, which refuses, or takes connections and says nothing."""
    with socket.socket() as listener:
        port = free_port()
        if request.param == "silent":
            listener.bind(("127.0.0.1", port))
            listener.listen(512)
        home.environment |= {
            "CHURN_TRACKING_URI": f"http://127.0.0.1:{port}",
            "CHURN_DATABASE_URL": f"postgresql+psycopg://churn:word@127.0.0.1:{port}/churn",
            "CHURN_REDIS_URL": f"redis://127.0.0.1:{port}/0",
            "CHURN_PREDICT_PER_MINUTE": "1000000",
        }
        yield request.param


@pytest.mark.usefixtures("on_disk")
def test_with_registry_database_and_redis_away_from_the_start_a_door_starts_and_predicts(
    open_door: Callable[..., OpenDoor], telco: Contract, away: str
) -> None:
    door = open_door("fastapi")
    started = wait_until(door.is_ready, "it is ready", seconds=60)
    load = OpenLoad(door.port, customers(telco), name="alone", rate=RATE).start()
    time.sleep(SECONDS)
    load.finish()

    assert (load.failed, load.breaks) == ({}, 0)
    assert load.acknowledged == {each.key for each in load.answers}
    assert door.health()["registry_reachable"] is False
    tell("T20", f"registry, database and Redis {away} from the start", faults=3, **counted([load]),
         start_seconds=round(started, 1), p99_milliseconds=round(load.milliseconds(99)))  # fmt: skip
