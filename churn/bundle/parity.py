"""The proofs that the graph equals the training pipeline, and that a row's score is its own."""

import numpy as np

from churn.bundle.files import Parity
from churn.errors import BundleError

MAX_DIFFERENCE = 1e-5


def prove_parity(of_graph: np.ndarray, of_pipeline: np.ndarray) -> Parity:
    """Compare the probabilities of the same rows, both of shape (rows,).

    Raises:
        BundleError: they differ by more than 1e-5 somewhere, or one is not a number.
    """
    difference = np.abs(of_graph - of_pipeline)
    if not len(difference):
        raise BundleError("parity can't be proven on no rows")
    if not np.all(difference <= MAX_DIFFERENCE):
        worst = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
        raise BundleError(
            f"the graph is not equal to the pipeline: row {worst + 1} of {len(difference)} differs by "
            f"{difference[worst]:.2e}, and {MAX_DIFFERENCE:.0e} is allowed. Nothing was registered."
        )
    return Parity(rows=len(difference), max_difference=float(difference.max()))


def prove_row_by_row(alone: np.ndarray, in_company: np.ndarray) -> None:
    """Compare the probabilities of the same rows, scored one by one and among others, both of shape (rows,).

    Raises:
        BundleError: a row's probability has other bits in company.
    """
    different = np.flatnonzero(alone != in_company)
    if len(different):
        worst = float(np.abs(alone - in_company).max())
        raise BundleError(
            f"a row's probability depends on the rows that it is scored with: {len(different)} of {len(alone)} rows "
            f"differ, by up to {worst:.1e}, and no prediction could be replayed. Write sums in the graph with "
            "`GraphBuilder.row_sum`, Log and Sigmoid with `curved`. Nothing was registered."
        )
