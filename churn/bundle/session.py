"""The graph at work: ONNX Runtime around `model.onnx`, one thread, rows in and probabilities out.

A row's probability does not depend on the rows that it is scored with, not in its last bit: what was recorded can be
computed again, alone or among thousands.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from churn.bundle.feed import Feed, open_graph
from churn.bundle.files import OUTPUT, ROW_BY_ROW
from churn.contract.contract import Contract

OUTPUTS = [OUTPUT]
CHUNK_ROWS = 8192
"""Rows per run: large enough to spread the cost of a run, small enough to stay in the processor's cache."""

SPACING = 4
"""A graph without the mark gets each row four times: sums over a row then begin at the same place of a register."""


class GraphSession:
    """Scores rows with one ONNX graph. Thread safe, and never more than one thread of its own."""

    def __init__(self, model: bytes, contract: Contract) -> None:
        """Load a graph.

        Raises:
            BundleError: the runtime refuses it, or its inputs are not the contract's columns.
        """
        self._session = open_graph(model, contract, OUTPUT)
        self._feed = Feed(contract)
        is_marked = self._session.get_modelmeta().custom_metadata_map.get(ROW_BY_ROW) == "1"
        self._spacing = 1 if is_marked else SPACING

    def score_row(self, row: Mapping[str, float | str]) -> float:
        """Return the churn probability of one graph-ready row."""
        return float(self._run(self._feed.of_row(row))[0])

    def score_rows(self, rows: Sequence[Mapping[str, float | str]]) -> list[float]:
        """Return the churn probabilities of graph-ready rows: sixteen of them cost little more than one."""
        if len(rows) == 1:
            return [self.score_row(rows[0])]
        found: list[float] = self._run(self._feed.of_rows(rows)).tolist()
        return found

    def score(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the churn probabilities of graph-ready columns, float64 of shape (rows,)."""
        chunks = [self._run(feed) for feed in self._feed.chunks(columns, CHUNK_ROWS // self._spacing)]
        return np.concatenate(chunks).astype(np.float64) if chunks else np.empty(0)

    def _run(self, feed: dict[str, np.ndarray]) -> np.ndarray:
        """Return the probabilities of tensors of shape (rows, 1): float32 of shape (rows,)."""
        if self._spacing == 1:
            return np.asarray(self._session.run(OUTPUTS, feed)[0])
        spaced = {name: tensor.repeat(self._spacing, axis=0) for name, tensor in feed.items()}
        return np.asarray(self._session.run(OUTPUTS, spaced)[0][:: self._spacing])
