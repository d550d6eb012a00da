"""The graph at work: ONNX Runtime around `model.onnx`, one thread, rows in and probabilities out."""

from collections.abc import Mapping

import numpy as np
import onnxruntime

from churn.bundle.files import OUTPUT
from churn.contract.contract import Contract
from churn.contract.request import MISSING_TEXT
from churn.errors import BundleError

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
        self._session = _open(model)
        self._columns = [(name, column.is_numeric) for name, column in contract.columns.items()]
        texts = {text for column in contract.columns.values() for text in column.categories} | {MISSING_TEXT}
        self._texts: dict[object, np.ndarray] = {text: _text_tensor(text) for text in texts}
        found = [value.name for value in self._session.get_inputs()]
        if found != list(contract.columns):
            raise BundleError(f"the graph takes {found}, and the contract has {list(contract.columns)}")

    def score_row(self, row: Mapping[str, float | str]) -> float:
        """Return the churn probability of one graph-ready row."""
        feed = {name: self._tensor(row[name], is_numeric) for name, is_numeric in self._columns}
        return float(self._session.run(OUTPUTS, feed)[0][0])

    def score(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the churn probabilities of graph-ready columns, float64 of shape (rows,)."""
        rows = len(next(iter(columns.values())))
        chunks = [self._score_chunk(columns, start) for start in range(0, rows, CHUNK_ROWS)]
        return np.concatenate(chunks).astype(np.float64) if chunks else np.empty(0)

    def _tensor(self, value: float | str, is_numeric: bool) -> np.ndarray:  # noqa: FBT001  two positions are quicker
        """Known categories have their tensors ready: to make one costs as much as a node of the graph."""
        if is_numeric:
            return np.array([[value]], np.float32)
        found = self._texts.get(value)
        return _text_tensor(value) if found is None else found

    def _score_chunk(self, columns: Mapping[str, np.ndarray], start: int) -> np.ndarray:
        feed = {name: columns[name][start : start + CHUNK_ROWS].reshape(-1, 1) for name, _ in self._columns}
        return np.asarray(self._session.run(OUTPUTS, feed)[0])


def _text_tensor(text: object) -> np.ndarray:
    return np.array([[text]], object)


def _open(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(f"the graph can't be loaded: {str(error).splitlines()[0]}") from error
    if [value.name for value in session.get_outputs()] != [OUTPUT]:
        raise BundleError(f"the graph's output is not {OUTPUT!r}")
    return session
