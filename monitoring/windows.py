"""Windows: the recorded customers of a version, and the reference that they are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from churn.bundle.files import OUTPUT, REFERENCE
from churn.contract.contract import Contract
from churn.contract.table import Columns, check_table
from churn.errors import BundleError
from churn.scoring.prediction import Prediction


@dataclass(frozen=True, slots=True)
class Window:
    """Customers of one version.

    Attributes:
        columns: graph-ready columns of the contract, each of shape (rows,): float32 or str objects.
        probabilities: what was predicted for them, shape (rows,).
        unreadable: rows that the contract does not hold for; they are not in the columns.
    """

    columns: Columns
    probabilities: np.ndarray
    unreadable: int = 0

    @property
    def rows(self) -> int:
        """How many customers."""
        return len(self.probabilities)


def newest_of_each(recorded: Sequence[Prediction]) -> list[Prediction]:
    """Return one prediction for each customer, the newest: somebody who is asked for hourly counts once.

    Args:
        recorded: in the order of time.
    """
    return list({record.customer_id: record for record in recorded}.values())


def live_window(contract: Contract, recorded: Sequence[Prediction]) -> Window:
    """Read what the doors recorded; a column that a record lacks is missing in it."""
    raw = {name: [record.inputs.get(name) for record in recorded] for name in contract.columns}
    checked = check_table(contract, raw)
    probabilities = np.array([record.probability for record in recorded], dtype=np.float64)
    return Window(checked.columns, probabilities[checked.accepted - 1], len(checked.rejected))


def reference_window(contract: Contract, bundle: Path) -> Window:
    """Read the bundle's sample of its training rows.

    Raises:
        BundleError: the sample lacks a column.
    """
    import pandas as pd  # noqa: PLC0415  slow, and the exporter shares this room

    frame = pd.read_parquet(bundle / REFERENCE)
    absent = [name for name in (*contract.columns, OUTPUT) if name not in frame]
    if absent:
        raise BundleError(f"{bundle / REFERENCE} has no column {', '.join(absent)}: register the model again")
    columns = {
        name: _graph_ready(frame[name].to_numpy(), column.is_numeric) for name, column in contract.columns.items()
    }
    return Window(columns, frame[OUTPUT].to_numpy(np.float64))


def _graph_ready(values: np.ndarray, is_numeric: bool) -> np.ndarray:  # noqa: FBT001  the one fact it needs
    if is_numeric:
        return values.astype(np.float32)
    return np.array(["" if value is None else str(value) for value in values], dtype=object)
