"""A relay that is killed at a named step: after its records are stored, or before its segment is deleted."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from churn.scoring.prediction import Prediction
from churn.stores.database import open_database
from churn.stores.predictions import PredictionStore
from churn.stores.relay import Relay


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingStore(PredictionStore):
    def add(self, records: Sequence[Prediction]) -> int:
        super().add(records)
        die()
        return 0


class DyingRelay(Relay):
    def _delete(self, path: Path) -> None:  # noqa: ARG002  the signature is the parent's
        die()


if __name__ == "__main__":
    step, folder, url = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    engine = open_database(url)
    if step == "stored":
        Relay(folder, DyingStore(engine)).run_once()
    else:
        DyingRelay(folder, PredictionStore(engine)).run_once()
