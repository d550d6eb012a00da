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
        self._categories, self._numbers = contract.category_columns, contract.numeric_columns
        self._names = (*self._categories, *self._numbers)
        self._texts = _TextTensors()
        for text in {MISSING_TEXT, *(text for column in contract.columns.values() for text in column.categories)}:
            self._texts[text] = self._texts[text]
        found = [value.name for value in self._session.get_inputs()]
        if found != list(contract.columns):
            raise BundleError(f"the graph takes {found}, and the contract has {list(contract.columns)}")

    def score_row(self, row: Mapping[str, float | str]) -> float:
        """Return the churn probability of one graph-ready row."""
        feed = {name: self._texts[row[name]] for name in self._categories}
        feed |= {name: np.array([[row[name]]], np.float32) for name in self._numbers}
        return float(self._session.run(OUTPUTS, feed)[0][0])

    def score(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the churn probabilities of graph-ready columns, float64 of shape (rows,)."""
        rows = len(next(iter(columns.values())))
        chunks = [self._score_chunk(columns, start) for start in range(0, rows, CHUNK_ROWS)]
        return np.concatenate(chunks).astype(np.float64) if chunks else np.empty(0)

    def _score_chunk(self, columns: Mapping[str, np.ndarray], start: int) -> np.ndarray:
        feed = {name: columns[name][start : start + CHUNK_ROWS].reshape(-1, 1) for name in self._names}
        return np.asarray(self._session.run(OUTPUTS, feed)[0])


class _TextTensors(dict[object, np.ndarray]):
    """Tensors of the known categories, made once: making one costs as much as a node of the graph.

    Those of other texts are made for each row and not kept, so that no client can fill the memory.
    """

    def __missing__(self, text: object) -> np.ndarray:
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
