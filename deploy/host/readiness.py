"""Wait until every service is well, and say for whom."""

from __future__ import annotations  # hosts may have Python 3.9

import subprocess
import time
from collections.abc import Mapping, Sequence

from deploy.host.failure import HostError
from deploy.host.services import ONE_SHOT, Service, seen

PAUSE_SECONDS = 1.0
REMIND_SECONDS = 20.0
LAST_LINES = "15"


def wait_for(services: Sequence[str], project: str, *, seconds: float) -> None:
    """Return when all are well.

    Args:
        services: that must be.
        project: COMPOSE_PROJECT_NAME.
        seconds: after which it is given up.

    Raises:
        HostError: some are not in time, or one that runs once has failed; their last log lines were printed.
    """
    deadline, said, said_at = time.monotonic() + seconds, "", 0.0
    while True:
        found = seen(project)
        awaited = unwell(services, found)
        if not awaited:
            print(f"all {len(services)} services are well")
            return
        if time.monotonic() > deadline or any(has_failed(one) for one in found.values()):
            raise HostError(_told(awaited, found))
        words = "; ".join(f"{name} ({how})" for name, how in awaited.items())
        if words != said or time.monotonic() > said_at + REMIND_SECONDS:
            print(f"  waiting for {words}", flush=True)
            said, said_at = words, time.monotonic()
        time.sleep(PAUSE_SECONDS)


def unwell(services: Sequence[str], found: Mapping[str, Service]) -> dict[str, str]:
    """Return who is not well, and how he is."""
    states = {name: found.get(name) for name in services}
    return {name: one.words if one else "not started" for name, one in states.items() if not (one and one.is_well)}


def has_failed(service: Service) -> bool:
    """It was to run once, and ended badly: waiting is of no use."""
    return service.name in ONE_SHOT and service.status == "exited" and service.exit_code != 0


def last_lines(service: Service) -> str:
    """Return what a container said last."""
    command = ["docker", "logs", "--tail", LAST_LINES, service.id]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.strip() or "(it said nothing)"


def _told(awaited: Mapping[str, str], found: Mapping[str, Service]) -> str:
    for name in awaited:
        if name in found:
            print(f"\n--- last lines of {name}\n{last_lines(found[name])}")
    words = "; ".join(f"{name} is not well: {how}" for name, how in awaited.items())
    return f"{words}. Its last lines are above, all of them: `docker-compose logs NAME`; then `make up` again"
