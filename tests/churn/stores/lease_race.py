"""One contender of the lease race, a process of its own.

For each name that it reads it tries once to take the lease, says at once the fencing token (0: refused), and holds
what it got until it reads the next line.
"""

import sys

from churn.errors import ConflictError
from churn.stores.database import open_database
from churn.stores.leases import hold_lease


def say(token: int) -> None:
    sys.stdout.write(f"{token}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    url, owner = sys.argv[1:]
    engine = open_database(url)
    say(0)  # ready
    while name := sys.stdin.readline().strip():
        try:
            with hold_lease(engine, name, owner=owner, seconds=60) as lease:
                say(lease.fencing_token)
                sys.stdin.readline()
                lease.check()
        except ConflictError:
            say(0)
            sys.stdin.readline()
        say(0)  # over
