"""A small builder of ONNX graphs: names, constants and look-ups, so that an operation reads as a formula."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from churn.errors import BundleError

ML_DOMAIN = "ai.onnx.ml"
OPSETS = {"": 20, ML_DOMAIN: 3}
IR_VERSION = 10
"""Old enough for every onnxruntime of the last years; the newest onnx writes one that runtimes refuse."""

LANES = 16
"""float32 values in the widest register of today's processors."""


class GraphBuilder:
    """Builds one graph. Every tensor that a method returns has shape (rows, 1) and type float32 unless it says so."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._texts: set[str] = set()
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[Any] = []

    def number_input(self, name: str) -> str:
        """Declare a float32 input of shape (rows, 1)."""
        return self._input(name, TensorProto.FLOAT)

    def text_input(self, name: str) -> str:
        """Declare a string input of shape (rows, 1)."""
        self._texts.add(name)
        return self._input(name, TensorProto.STRING)

    def is_text(self, tensor: str) -> bool:
        """True when the tensor is a string input."""
        return tensor in self._texts

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        output = self._free_name(f"/{operator}_{len(self._nodes)}")
        self._nodes.append(helper.make_node(operator, list(inputs), [output], domain=domain, **attributes))
        return output

    def constant(self, value: float | Sequence[float] | np.ndarray, dtype: Any = np.float32) -> str:
        """Declare a constant and return its name; equal constants share one."""
        array = np.asarray(value, dtype=dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self._free_name(f"/constant_{len(self._constants)}")
            self._initializers.append(numpy_helper.from_array(array, self._constants[key]))
        return self._constants[key]

    def lookup(self, text: str, table: Mapping[str, float], default: float) -> str:
        """Map text to a number; what the table does not hold becomes the default."""
        known = table or {"": default}
        return self.add(
            "LabelEncoder",
            text,
            domain=ML_DOMAIN,
            keys_strings=list(known),
            values_floats=[float(value) for value in known.values()],
            default_float=float(default),
        )

    def total(self, parts: Sequence[str]) -> str:
        """Add tensors up from left to right, in the order in which numpy would."""
        result, *rest = parts
        for part in rest:
            result = self.add("Add", result, part)
        return result

    def count(self, flags: str) -> str:
        """Add up the columns of a float32 tensor of small whole numbers, exact in any order: (rows, k) to (rows, 1)."""
        return self.add("ReduceSum", flags, self.constant([1], np.int64), keepdims=1)

    def row_sum(self, terms: str, width: int, *, axis: int = 1) -> str:
        """Add up `width` columns in halves: (rows, width) to (rows, 1), in the same order wherever a row stands.

        ReduceSum and MatMul add in an order that depends on the place of a row in memory and on the number of rows.
        """
        while width > 1:
            half, rest = divmod(width, 2)
            left, right, *last = self._split(terms, [half, half, *[1] * rest], axis)
            terms, width = self.add("Add", left, right), half + rest
            if last:
                terms = self.add("Concat", terms, *last, axis=axis)
        return terms

    def curved(self, operator: str, number: str) -> str:
        """Apply Log or Sigmoid to (rows, 1): the same bits wherever a row stands.

        Rows that fill a register are computed by another formula than the few after them; here each row fills its own.
        """
        filled = self.add(operator, self.add("Concat", *[number] * LANES, axis=1))
        first, second = (self.constant([place], np.int64) for place in (0, 1))
        return self.add("Slice", filled, first, second, second)

    def where_missing(self, number: str, replacement: float) -> str:
        """Replace NaN by a number."""
        return self.add("Where", self.add("IsNaN", number), self.constant(replacement), number)

    def build(self, output: str, output_name: str, *, width: int | None = None) -> ModelProto:
        """Close the graph: `output`, named `output_name`, gets shape (rows,), or (rows, width) when there is a width.

        Raises:
            BundleError: the graph is not valid ONNX.
        """
        shape = [-1] if width is None else [-1, width]
        shaped = self.add("Reshape", output, self.constant(shape, np.int64))
        self._nodes.append(helper.make_node("Identity", [shaped], [output_name]))
        result = helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["rows", *shape[1:]])
        graph = helper.make_graph(self._nodes, "churn", self._inputs, [result], self._initializers)
        opsets = [helper.make_opsetid(domain, number) for domain, number in OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="holdfast")
        try:
            checker.check_model(model, full_check=True)
        except checker.ValidationError as error:
            raise BundleError(f"the graph is not valid ONNX: {error}") from error
        return model

    def _split(self, tensor: str, sizes: list[int], axis: int) -> list[str]:
        number = len(self._nodes)
        outputs = [self._free_name(f"/Split_{number}_{part}") for part in range(len(sizes))]
        inputs = [tensor, self.constant(sizes, np.int64)]
        self._nodes.append(helper.make_node("Split", inputs, outputs, axis=axis))
        return outputs

    def _free_name(self, name: str) -> str:
        """A customer column may be called /Add_0: inputs are declared first, and keep their names."""
        while any(name == declared.name for declared in self._inputs):
            name = f"/{name}"
        return name

    def _input(self, name: str, kind: int) -> str:
        self._inputs.append(helper.make_tensor_value_info(name, kind, ["rows", 1]))
        return name
