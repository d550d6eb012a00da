"""The derived columns' operations, each once: its numpy form and its ONNX form side by side, proven equal by tests.

Both compute in float32 with the same rounding, so that a tree never sees a value on the other side of a split.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from churn.contract.derived import Bin, CountOf, Derived, Difference, IsMissing, Log1p, Ratio, Sum
from churn.contract.table import Columns
from churn.features.tensors import Tensors


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation in both forms.

    Attributes:
        numpy: (derived, columns) → float32 of shape (rows,).
        onnx: (derived, graph, tensor names per column) → name of a tensor of shape (rows, 1).
    """

    numpy: Callable[[Any, Columns], np.ndarray]
    onnx: Callable[[Any, Tensors, dict[str, str]], str]


def _ratio(derived: Ratio, columns: Columns) -> np.ndarray:
    """A division by zero and a quotient beyond float32 are infinite, which no model takes: missing."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        divided = columns[derived.numerator] / columns[derived.denominator]
    return np.where(np.isinf(divided), np.float32(np.nan), divided).astype(np.float32)


def _ratio_onnx(derived: Ratio, graph: Tensors, tensors: dict[str, str]) -> str:
    divided = graph.add("Div", tensors[derived.numerator], tensors[derived.denominator])
    return graph.add("Where", graph.add("IsInf", divided), graph.constant(np.nan), divided)


def _difference(derived: Difference, columns: Columns) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(columns[derived.left] - columns[derived.right], np.float32)


def _difference_onnx(derived: Difference, graph: Tensors, tensors: dict[str, str]) -> str:
    return graph.add("Sub", tensors[derived.left], tensors[derived.right])


def _sum(derived: Sum, columns: Columns) -> np.ndarray:
    first, *rest = derived.columns
    total = columns[first].astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for name in rest:
            total = total + columns[name]
    return total


def _sum_onnx(derived: Sum, graph: Tensors, tensors: dict[str, str]) -> str:
    return graph.total([tensors[name] for name in derived.columns])


def _count_of(derived: CountOf, columns: Columns) -> np.ndarray:
    counted = [np.isin(columns[name].astype(str), derived.values) for name in derived.columns]
    return np.asarray(np.sum(counted, axis=0), np.float32)


def _count_of_onnx(derived: CountOf, graph: Tensors, tensors: dict[str, str]) -> str:
    texts = graph.add("Concat", *(tensors[name] for name in derived.columns), axis=1)
    return graph.count(graph.lookup(texts, dict.fromkeys(derived.values, 1.0), 0.0))


def _bin(derived: Bin, columns: Columns) -> np.ndarray:
    values = columns[derived.column]
    edges = np.asarray(derived.edges, np.float32)
    reached = (values[:, None] >= edges).sum(axis=1).astype(np.float32)
    return np.asarray(np.where(np.isnan(values), np.nan, reached), np.float32)


def _bin_onnx(derived: Bin, graph: Tensors, tensors: dict[str, str]) -> str:
    values = tensors[derived.column]
    is_reached = graph.add("GreaterOrEqual", values, graph.constant(np.array([derived.edges])))
    reached = graph.count(graph.add("Cast", is_reached, to=1))
    return graph.add("Where", graph.add("IsNaN", values), graph.constant(np.nan), reached)


def _log1p(derived: Log1p, columns: Columns) -> np.ndarray:
    """log(1 + x) in double precision, because float32 loses small x; -1 and below have no logarithm."""
    values = columns[derived.column].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > -1, np.log(values + 1.0), np.nan).astype(np.float32)


def _log1p_onnx(derived: Log1p, graph: Tensors, tensors: dict[str, str]) -> str:
    double = graph.add("Cast", tensors[derived.column], to=11)
    logarithm = graph.curved("Log", graph.add("Add", double, graph.constant(1.0, np.float64)))
    is_defined = graph.add("Greater", double, graph.constant(-1.0, np.float64))
    return graph.add("Cast", graph.add("Where", is_defined, logarithm, graph.constant(np.nan, np.float64)), to=1)


def _is_missing(derived: IsMissing, columns: Columns) -> np.ndarray:
    values = columns[derived.column]
    is_missing = values == "" if values.dtype == object else np.isnan(values)
    return np.asarray(is_missing, np.float32)


def _is_missing_onnx(derived: IsMissing, graph: Tensors, tensors: dict[str, str]) -> str:
    """A number is missing when NaN; a category when its text is empty."""
    name = tensors[derived.column]
    if graph.is_text(name):
        return graph.lookup(name, {"": 1.0}, 0.0)
    return graph.add("Cast", graph.add("IsNaN", name), to=1)


OPERATIONS: dict[type[Any], Operation] = {
    Ratio: Operation(_ratio, _ratio_onnx),
    Difference: Operation(_difference, _difference_onnx),
    Sum: Operation(_sum, _sum_onnx),
    CountOf: Operation(_count_of, _count_of_onnx),
    Bin: Operation(_bin, _bin_onnx),
    Log1p: Operation(_log1p, _log1p_onnx),
    IsMissing: Operation(_is_missing, _is_missing_onnx),
}
"""Operation per kind of derived column; adding one is one entry here and one class in the contract."""


def derive(derived: Derived, columns: Columns) -> np.ndarray:
    """Compute one derived column with numpy: float32 of shape (rows,)."""
    return OPERATIONS[type(derived)].numpy(derived, columns)


def derive_onnx(derived: Derived, graph: Tensors, tensors: dict[str, str]) -> str:
    """Add one derived column to a graph: name of a float32 tensor of shape (rows, 1)."""
    return OPERATIONS[type(derived)].onnx(derived, graph, tensors)
