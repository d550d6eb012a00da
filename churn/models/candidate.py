"""What a candidate is: how to build it, what to search, and how to write it into the graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sklearn.pipeline import Pipeline

from churn.contract.contract import Contract
from churn.features.graph import GraphBuilder

Parameters = Mapping[str, float | int | str]


class Trial(Protocol):
    """The part of an Optuna trial that a candidate's search space needs."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Propose a number."""

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """Propose a whole number."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One kind of model.

    Attributes:
        build: (contract, parameters, seed) → unfitted scikit-learn pipeline on the contract's raw columns.
        suggest: the search space of its parameters.
        defaults: parameters that are good without a search.
        margin_onnx: (fitted pipeline, contract, graph, tensor per feature) → tensor of log-odds, shape (rows, 1).
    """

    name: str
    build: Callable[[Contract, Parameters, int], Pipeline]
    suggest: Callable[[Trial], dict[str, float | int | str]]
    defaults: Parameters
    margin_onnx: Callable[[Any, Contract, GraphBuilder, Mapping[str, str]], str]
