"""Customers at a stack's front while it is mistreated, and whether each that was acknowledged is in the store."""

import time

from churn.contract.reading import load_contract
from deploy.host.services import seen
from tests.compose.stack import Stack
from tests.faults.doors import wait_until
from tests.faults.load import OpenLoad
from tests.faults.scores import customers

RATE = 8.0
"""Predictions in a second: two cores are shared by everything that the stack consists of."""

STORED_SECONDS = 120.0


def load_on(stack: Stack, name: str, *, tries: int = 2) -> OpenLoad:
    """Begin an open loop of keyed predictions; a connection that breaks is tried once more, with the same key."""
    rows = customers(load_contract(stack.folder / "contracts" / "telco.yaml"))
    port = int(stack.settings["HOLDFAST_FRONT_PORT"])
    load = OpenLoad(port, rows, name=f"{name}-{time.monotonic_ns()}", rate=RATE, tries=tries).start()
    wait_until(lambda: len(load.answers) >= 2 * RATE, "predictions are answered", seconds=30)
    return load


def wait_for_door(load: OpenLoad, door: str = "bento") -> None:
    """Wait until it answers every prediction again."""

    def is_so() -> bool:
        newest = load.answers[-10:]
        return all(each.status == 200 and each.door == door for each in newest)

    count = len(load.answers)
    wait_until(lambda: len(load.answers) > count + 10 and is_so(), f"{door} answers again", seconds=90)


def stored_ids(stack: Stack, name: str) -> list[str]:
    """Return every prediction_id that begins so, with repeats if there were any; none while the store is away."""
    query = f"select prediction_id from predictions where prediction_id like '{name}%'"  # noqa: S608  a test's own name
    if "mysql" in stack.settings["COMPOSE_PROFILES"]:
        command = f'MYSQL_PWD="$MARIADB_PASSWORD" mariadb -N -u churn churn -e "{query}"'
        words: tuple[str, ...] = ("mariadb", "sh", "-c", command)
    else:
        words = ("postgres", "psql", "-h", "/var/run/postgresql", "-U", "postgres", "-d", "churn", "-Atc", query)
    done = stack.run("docker", "exec", seen(stack.name)[words[0]].id, *words[1:], check=False)
    return [line for line in done.stdout.splitlines() if name in line] if done.returncode == 0 else []


def require_each_stored_once(stack: Stack, load: OpenLoad) -> dict[str, float]:
    """Wait until every acknowledged prediction is in the store, and count what is lost or there twice."""
    name = next(iter(load.acknowledged)).rpartition("-")[0]
    wanted = load.acknowledged
    deadline = time.monotonic() + STORED_SECONDS
    while not wanted <= set(stored := stored_ids(stack, name)) and time.monotonic() < deadline:
        time.sleep(1)
    lost, twice = len(wanted - set(stored)), len(stored) - len(set(stored))
    assert (lost, twice) == (0, 0)
    return {"acknowledged": len(wanted), "lost": lost, "twice": twice}
