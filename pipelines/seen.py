"""Whom a training saw: kept with its run as digests, so that no version is judged on customers that it knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Run

from pipelines.ingest import Customers

SEEN = "training/seen.parquet"
CUSTOMER, MOMENT, GROUP = "customer", "moment", "group"
NOTHING = ""


@dataclass(frozen=True, slots=True)
class Named:
    """Rows by what tells them apart; each array is of shape (rows,).

    Attributes:
        ids: customer ids.
        groups: rows that belong together share one; None: each is its own.
        times: datetime64; None: there is no order in time.
    """

    ids: np.ndarray
    groups: np.ndarray | None = None
    times: np.ndarray | None = None

    def digests(self, salt: str) -> pd.DataFrame:
        """Return the digests of each row: its customer, the customer at that moment, and the group; "" for none."""
        ids = [str(one) for one in self.ids.tolist()]
        times = [] if self.times is None else self.times.astype("datetime64[s]").tolist()
        moments = [f"{one}\x1f{at}" for one, at in zip(ids, times, strict=False)]
        return pd.DataFrame(
            {
                CUSTOMER: _digests(ids, salt),
                MOMENT: _digests(moments, salt) or NOTHING,
                GROUP: NOTHING if self.groups is None else _digests(self.groups.tolist(), salt),
            }
        )


def log_seen(customers: Customers) -> None:
    """Keep whom the run's training sees; its id is the salt, so that no two runs' digests can be compared."""
    run = mlflow.active_run()
    assert run is not None  # noqa: S101  a training logs inside its run
    found = Named(customers.ids, customers.groups, customers.times).digests(run.info.run_id)
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / Path(SEEN).name
        found.to_parquet(path, index=False)
        mlflow.log_artifact(str(path), str(Path(SEEN).parent))


def seen_by(run: Run, rows: Named) -> np.ndarray | None:
    """Say which rows a training saw, or somebody of their group: bool of shape (rows,). None: it kept no record.

    A customer whom it saw at an earlier moment is another row, when both tables know their rows' moments.
    """
    if (seen := _fetch(run)) is None:
        return None
    asked = rows.digests(run.info.run_id)
    by = MOMENT if rows.times is not None and seen[MOMENT].any() else CUSTOMER
    is_seen = asked[by].isin(seen[by])
    together = {*seen[GROUP], *(() if by == MOMENT else seen[CUSTOMER])} - {NOTHING}
    return (is_seen | asked[GROUP].isin(together)).to_numpy()


def _fetch(run: Run) -> pd.DataFrame | None:
    """Return the record; None in runs of before there was one."""
    client = mlflow.MlflowClient()
    if SEEN not in {one.path for one in client.list_artifacts(run.info.run_id, str(Path(SEEN).parent))}:
        return None
    with TemporaryDirectory() as scratch:
        return pd.read_parquet(client.download_artifacts(run.info.run_id, SEEN, scratch))


def _digests(names: Sequence[object], salt: str) -> list[str]:
    return [sha256(f"{salt}\x1f{name}".encode()).hexdigest() for name in names]
