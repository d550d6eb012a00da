"""One runner of the race for jobs, a process of its own: it claims until nothing is left, and says what it got."""

import sys

from churn.errors import ConflictError
from churn.stores.database import open_database
from churn.stores.jobs import JobStore
from churn.stores.orders import Claimant

if __name__ == "__main__":
    url, name = sys.argv[1:]
    store, who = JobStore(open_database(url)), Claimant(name, "churn", "here")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    while (job := store.claim(who)) is not None:
        try:
            store.finish(job, result={}, words="done")
        except ConflictError:
            sys.stdout.write("taken twice\n")
        sys.stdout.write(f"{job.job_id}\n")
