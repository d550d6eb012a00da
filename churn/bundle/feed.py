"""What goes into a graph: a row's tensors, or those of a chunk of a table; and how a graph is opened."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnxruntime

from churn.contract.contract import Contract
from churn.contract.request import MISSING_TEXT
from churn.errors import BundleError


class Feed:
    """Makes the inputs of a graph from graph-ready rows and columns of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._categories, self._numbers = contract.category_columns, contract.numeric_columns
        self._names = (*self._categories, *self._numbers)
        self._texts = _TextTensors()
        for text in {MISSING_TEXT, *(text for column in contract.columns.values() for text in column.categories)}:
            self._texts[text] = self._texts[text]

    def of_row(self, row: Mapping[str, float | str]) -> dict[str, np.ndarray]:
        """Return the tensors of one row, each of shape (1, 1)."""
        feed = {name: self._texts[row[name]] for name in self._categories}
        feed |= {name: np.array([[row[name]]], np.float32) for name in self._numbers}
        return feed

    def of_rows(self, rows: Sequence[Mapping[str, float | str]]) -> dict[str, np.ndarray]:
        """Return the tensors of several rows, each of shape (rows, 1)."""
        feed = {name: np.array([row[name] for row in rows], object).reshape(-1, 1) for name in self._categories}
        feed |= {name: np.array([row[name] for row in rows], np.float32).reshape(-1, 1) for name in self._numbers}
        return feed

    def chunks(self, columns: Mapping[str, np.ndarray], chunk_rows: int) -> Iterator[dict[str, np.ndarray]]:
        """Yield the tensors of a table's rows, each of shape (at most chunk_rows, 1)."""
        rows = len(next(iter(columns.values())))
        for start in range(0, rows, chunk_rows):
            yield {name: columns[name][start : start + chunk_rows].reshape(-1, 1) for name in self._names}


class _TextTensors(dict[object, np.ndarray]):
    """Tensors of the known categories, made once: making one costs as much as a node of the graph.

    Those of other texts are made for each row and not kept, so that no client can fill the memory.
    """

    def __missing__(self, text: object) -> np.ndarray:
        return np.array([[text]], object)


def open_graph(model: bytes, contract: Contract, output: str) -> onnxruntime.InferenceSession:
    """Load a graph that has a contract's columns as inputs and one output; it has no threads of its own.

    Raises:
        BundleError: the runtime refuses it, or its inputs or output are others.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(f"the graph can't be loaded: {str(error).splitlines()[0]}") from error
    if [value.name for value in session.get_outputs()] != [output]:
        raise BundleError(f"the graph's output is not {output!r}")
    found = [value.name for value in session.get_inputs()]
    if found != list(contract.columns):
        raise BundleError(f"the graph takes {found}, and the contract has {list(contract.columns)}")
    return session
