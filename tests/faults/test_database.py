import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psutil
import pytest

from churn.contract.contract import Contract
from churn.stores.database import open_database
from tests.churn.stores.log.logged import findings
from tests.faults.amounts import amount
from tests.faults.doors import Home, OpenDoor, wait_until
from tests.faults.load import OpenLoad
from tests.faults.scores import customers
from tests.faults.tally import counted, require_each_stored_once, tell
from tests.mariadb import MariaDb, running_mariadb
from tests.postgres import Postgres, running_postgres

pytestmark = pytest.mark.slow

RATE = 100.0
OUTAGE_SECONDS = 4.0
DRAIN_SECONDS = 60.0


Server = Postgres | MariaDb
SERVERS: dict[str, Callable[[], AbstractContextManager[Server]]] = {
    "PostgreSQL": running_postgres,
    "MariaDB": running_mariadb,
}


@pytest.fixture(params=SERVERS)
def own_server(home: Home, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that this test may stop, as the home's database."""
    with SERVERS[request.param]() as server:
        home.environment["CHURN_DATABASE_URL"] = server.create("churn")
        yield server


def stop(server: Server) -> None:
    server.stop()


def freeze(server: Server) -> None:
    """Hang without closing anything."""
    for process in _processes(server):
        process.send_signal(signal.SIGSTOP)


def recover(server: Server) -> None:
    if not _processes(server):
        server.start()
    for process in [*_processes(server), server.process]:  # runuser stops itself when its child is stopped
        if process is not None:
            process.send_signal(signal.SIGCONT)


def _processes(server: Server) -> list[psutil.Process]:
    file = server.folder / ("data/postmaster.pid" if isinstance(server, Postgres) else "pid")
    try:
        master = psutil.Process(int(file.read_text().split()[0]))
        return [master, *master.children(recursive=True)]
    except (FileNotFoundError, psutil.NoSuchProcess):
        return []


OUTAGES: tuple[Callable[[Server], None], ...] = (stop, freeze)


@pytest.mark.usefixtures("on_disk")
def test_no_acknowledged_prediction_is_lost_or_doubled_over_outages_of_the_database(
    open_door: Callable[..., OpenDoor], home: Home, telco: Contract, own_server: Server
) -> None:
    outages = amount("database outages")
    door = open_door("fastapi").ready()
    wait_until(lambda: door.health()["database_reachable"], "the attendant stores", seconds=40)
    load = OpenLoad(door.port, customers(telco), name="outage", rate=RATE).start()
    time.sleep(2)
    windows = []
    for number in range(outages):
        began = time.monotonic()
        OUTAGES[number % len(OUTAGES)](own_server)
        time.sleep(OUTAGE_SECONDS)
        recover(own_server)
        windows.append((began, time.monotonic()))
        wait_until(lambda: door.health()["recorder_backlog"] < RATE, "the backlog is drained", seconds=DRAIN_SECONDS)
        time.sleep(1)
    load.finish()

    assert load.failed == {}
    assert load.breaks == 0
    assert load.acknowledged == {each.key for each in load.answers}
    stored = require_each_stored_once(home, [load], seconds=DRAIN_SECONDS)
    during = max(load.worst_seconds(*window) for window in windows)
    name = "PostgreSQL" if isinstance(own_server, Postgres) else "MariaDB"
    tell("T6", f"{name} stopped or frozen while predictions are recorded", faults=outages, **counted([load]),
         **stored, worst_answer_seconds=round(during, 3))  # fmt: skip
    engine = open_database(home.environment["CHURN_DATABASE_URL"])
    assert findings(engine) == []
    engine.dispose()
