"""The second graph at work: ONNX Runtime around `explanation.onnx`, rows in and contributions out."""

from collections.abc import Mapping, Sequence

import numpy as np

from churn.bundle.feed import Feed, open_graph
from churn.bundle.files import CONTRIBUTIONS
from churn.contract.contract import Contract

OUTPUTS = [CONTRIBUTIONS]
CHUNK_ROWS = 64
"""Rows per run: trees hold every leaf of every row at once, and memory grows with rows · leaves · depth."""


class ExplanationSession:
    """Explains rows with one ONNX graph. Thread safe, and never more than one thread of its own."""

    def __init__(self, model: bytes, contract: Contract) -> None:
        """Load a graph.

        Raises:
            BundleError: the runtime refuses it, or its inputs are not the contract's columns.
        """
        self._session = open_graph(model, contract, CONTRIBUTIONS)
        self._feed = Feed(contract)
        self._width = len(contract.columns) + 1

    def explain_row(self, row: Mapping[str, float | str]) -> np.ndarray:
        """Return one graph-ready row's contributions in log-odds, the base last: float32 of shape (columns + 1,)."""
        return np.asarray(self._session.run(OUTPUTS, self._feed.of_row(row))[0][0])

    def explain_rows(self, rows: Sequence[Mapping[str, float | str]]) -> np.ndarray:
        """Return the contributions of graph-ready rows: float32 of shape (rows, columns + 1)."""
        if len(rows) == 1:
            return self.explain_row(rows[0]).reshape(1, -1)
        starts = range(0, len(rows), CHUNK_ROWS)
        feeds = (self._feed.of_rows(rows[start : start + CHUNK_ROWS]) for start in starts)
        chunks = [self._session.run(OUTPUTS, feed)[0] for feed in feeds]
        return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)

    def explain(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the contributions of graph-ready columns: float32 of shape (rows, columns + 1)."""
        chunks = [self._session.run(OUTPUTS, feed)[0] for feed in self._feed.chunks(columns, CHUNK_ROWS)]
        return np.concatenate(chunks) if chunks else np.empty((0, self._width), np.float32)
