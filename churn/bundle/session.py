"""The graph at work: ONNX Runtime around `model.onnx`, one thread, rows in and probabilities out."""

from collections.abc import Mapping, Sequence

import numpy as np

from churn.bundle.feed import Feed, open_graph
from churn.bundle.files import OUTPUT
from churn.contract.contract import Contract

OUTPUTS = [OUTPUT]
CHUNK_ROWS = 8192
"""Rows per run: large enough to spread the cost of a run, small enough to stay in the processor's cache."""


class GraphSession:
    """Scores rows with one ONNX graph. Thread safe, and never more than one thread of its own."""

    def __init__(self, model: bytes, contract: Contract) -> None:
        """Load a graph.

        Raises:
            BundleError: the runtime refuses it, or its inputs are not the contract's columns.
        """
        self._session = open_graph(model, contract, OUTPUT)
        self._feed = Feed(contract)

    def score_row(self, row: Mapping[str, float | str]) -> float:
        """Return the churn probability of one graph-ready row."""
        return float(self._session.run(OUTPUTS, self._feed.of_row(row))[0][0])

    def score_rows(self, rows: Sequence[Mapping[str, float | str]]) -> list[float]:
        """Return the churn probabilities of graph-ready rows: sixteen of them cost little more than one."""
        if len(rows) == 1:
            return [self.score_row(rows[0])]
        found: list[float] = self._session.run(OUTPUTS, self._feed.of_rows(rows))[0].reshape(-1).tolist()
        return found

    def score(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the churn probabilities of graph-ready columns, float64 of shape (rows,)."""
        chunks = [self._session.run(OUTPUTS, feed)[0] for feed in self._feed.chunks(columns, CHUNK_ROWS)]
        return np.concatenate(chunks).astype(np.float64) if chunks else np.empty(0)
