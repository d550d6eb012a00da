"""A worker that is going to be killed: prints the number of each record after the spool acknowledged it."""

import itertools
import sys
from pathlib import Path

from churn.stores.spool import SpoolLimits, SpoolWriter
from tests.churn.stores.records import prediction

if __name__ == "__main__":
    name, folder = sys.argv[1], Path(sys.argv[2])
    spool = SpoolWriter(folder, name, SpoolLimits(segment_bytes=50_000))
    for number in itertools.count():
        if spool.append(prediction(f"{name}-{number}").to_json()):
            sys.stdout.write(f"p-{name}-{number}\n")
            sys.stdout.flush()
