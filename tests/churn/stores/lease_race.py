"""One contender of the lease race: it tries at every round, all contenders at the same moment.

A program, so that the contenders are real processes. Rounds are agreed on by the clock: round n begins at
`start + n * spacing`. Prints the rounds that it won, with the fencing tokens, as JSON.
"""

import json
import sys
import time

from churn.errors import ConflictError
from churn.stores.database import open_database
from churn.stores.leases import hold_lease

NAMES_PER_LEASE = 5
"""A name is fresh in one round of five (a race to insert), and expired in four (a race to update)."""


def contend(url: str, owner: str, *, rounds: int, start: float, spacing: float) -> dict[int, int]:
    engine, won = open_database(url), {}
    for number in range(rounds):
        time.sleep(max(0.0, start + number * spacing - time.time()))
        try:
            with hold_lease(engine, f"race-{number // NAMES_PER_LEASE}", owner=owner, seconds=60) as lease:
                lease.check()
                won[number] = lease.fencing_token
                time.sleep(max(0.0, start + (number + 0.7) * spacing - time.time()))
        except ConflictError:
            continue
    engine.dispose()
    return won


if __name__ == "__main__":
    url, owner, rounds, start, spacing = sys.argv[1:]
    sys.stdout.write(json.dumps(contend(url, owner, rounds=int(rounds), start=float(start), spacing=float(spacing))))
