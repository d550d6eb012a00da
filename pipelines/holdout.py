"""The held-out customers of a training, as its run keeps them."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.errors import ContractError, NotFoundError, StoreError
from churn.scoring.loading import load_scorer
from churn.scoring.scorer import Scorer
from churn.stores.object_store import in_words, object_store_errors
from churn.stores.registry import ModelRegistry
from pipelines.ingest import ID, LABEL
from pipelines.training_log import GROUP, HOLDOUT, PIPELINE_PROBABILITY, TIME


@dataclass(frozen=True, slots=True)
class Holdout:
    """Customers that the run's model never saw.

    Attributes:
        frame: graph-ready columns, one row per customer.
        labels: 1 for customers who left, of shape (rows,).
        ids: customer ids.
        of_pipeline: probabilities of the scikit-learn pipeline, when the run was made.
        groups: rows of the same group belong together; None: each is its own, or the run is older than that record.
        times: datetime64; None: there is no order in time, or the same.
        sha256: of the file that they were read from.
    """

    frame: pd.DataFrame
    labels: np.ndarray
    ids: np.ndarray
    of_pipeline: np.ndarray
    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    sha256: str = ""

    def columns(self, contract: Contract) -> Columns:
        """Return graph-ready columns for a contract; a column that these rows lack is missing in all of them.

        Raises:
            ContractError: a number of the contract is a category in these rows, or the other way round.
        """
        return {name: self._values(name, column) for name, column in contract.columns.items()}

    def _values(self, name: str, column: Column) -> np.ndarray:
        missing, kind = (np.nan, np.float32) if column.is_numeric else ("", object)
        if name not in self.frame:
            return np.full(len(self.frame), missing, dtype=kind)
        values = self.frame[name].to_numpy()
        if (values.dtype == object) is column.is_numeric:
            raise ContractError(
                f"column {name!r} was a number in one version's contract and a category in the other's: they can't be "
                "compared on the same rows. Register the new one under another name, with CHURN_MODEL"
            )
        return values.astype(kind)


def read_holdout(run: Run) -> Holdout:
    """Fetch the held-out rows of a training run.

    Raises:
        NotFoundError: the run has none.
        StoreError: the place of artifacts does not answer.
    """
    with TemporaryDirectory() as scratch:
        path = _fetch(run.info.run_id, scratch)
        frame, digest = pd.read_parquet(path), sha256(Path(path).read_bytes()).hexdigest()
    return Holdout(
        frame=frame.drop(columns=[ID, LABEL, PIPELINE_PROBABILITY, GROUP, TIME], errors="ignore"),
        labels=frame[LABEL].to_numpy(),
        ids=frame[ID].to_numpy(),
        of_pipeline=frame[PIPELINE_PROBABILITY].to_numpy(),
        groups=frame[GROUP].to_numpy() if GROUP in frame else None,
        times=frame[TIME].to_numpy() if TIME in frame else None,
        sha256=digest,
    )


def _fetch(run_id: str, folder: str) -> str:
    """Tell a run without such rows from a place that is away: the gate rejects the one, the other passes by."""
    try:
        found = mlflow.artifacts.list_artifacts(run_id=run_id, artifact_path=str(Path(HOLDOUT).parent))
        if HOLDOUT in (one.path for one in found):
            return str(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=HOLDOUT, dst_path=folder))
    except object_store_errors() as error:
        raise StoreError(f"{HOLDOUT} of run {run_id} can't be fetched: {in_words(error)}") from error
    except (MlflowException, OSError) as error:
        text = " ".join(str(error).split())[:300]
        raise StoreError(f"{HOLDOUT} of run {run_id} can't be fetched now: {text}; try again") from error
    raise NotFoundError(f"run {run_id} holds no {HOLDOUT}: train again")


def load_bundle_of(run: Run, registry: ModelRegistry, folder: Path) -> Scorer:
    """Fetch and load the bundle that a training run logged; version 0 says that it is not registered yet."""
    uri, digest = run.data.tags["model_uri"], run.data.tags["bundle_digest"]
    path = registry.fetch_logged(uri, folder / digest, digest)
    return load_scorer(path, name=run.data.tags["model"], version=0, digest=digest)
