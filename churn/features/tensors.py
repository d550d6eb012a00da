"""What an operation needs of a graph under construction: tensors by name, of shape (rows, 1). Knows no ONNX."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np


class Tensors(Protocol):
    """The part of `GraphBuilder` that operations are written with, so that their numpy forms serve without onnx."""

    def is_text(self, tensor: str) -> bool:
        """Return whether the tensor is a text input."""

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add one node; the name of its output."""

    def constant(self, value: float | Sequence[float] | np.ndarray, dtype: Any = np.float32) -> str:
        """Add a constant."""

    def lookup(self, text: str, table: Mapping[str, float], default: float) -> str:
        """Look each text up."""

    def total(self, parts: Sequence[str]) -> str:
        """Add up tensors."""

    def count(self, flags: str) -> str:
        """Add up each row."""

    def curved(self, operator: str, number: str) -> str:
        """Apply Log or Sigmoid, with the same bits wherever a row stands."""
