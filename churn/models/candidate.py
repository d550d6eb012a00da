"""What a candidate is: how to build it, what to search, and how to write it and its reasons into a graph."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd
from sklearn.pipeline import Pipeline

from churn.contract.contract import Contract
from churn.features.graph import GraphBuilder

Parameters = Mapping[str, float | int | str]
Target = tuple[GraphBuilder, Mapping[str, str]]
"""A graph under construction, and its tensor per feature."""


class Trial(Protocol):
    """The part of an Optuna trial that a candidate's search space needs."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Propose a number."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Propose a whole number."""

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        """Propose one of some words."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a pipeline is built from.

    Attributes:
        parameters: the candidate's own, as its `suggest` names them.
        threads: processor cores that fitting may use.
    """

    contract: Contract
    parameters: Parameters
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Contributions:
    """Why a margin is what it is: base + the sum over features equals the margin, row by row.

    Attributes:
        tensor: name of the tensor of contributions in log-odds, shape (rows, features); features in the order of
            `number_features(contract)`, then `text_features(contract)`.
        base: the margin that is expected before anything is known of a customer, in log-odds.
    """

    tensor: str
    base: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One kind of model.

    Attributes:
        words: what it is, in words for the model card.
        build: recipe → unfitted scikit-learn pipeline on the contract's raw columns.
        suggest: the search space of its parameters.
        defaults: parameters that are good without a search.
        margin_onnx: (fitted pipeline, contract, graph, tensor per feature) → tensor of log-odds, shape (rows, 1).
        contributions_onnx: (fitted pipeline, background, (graph, tensor per feature)) → contributions to the margin,
            before calibration; background: a sample of the training rows, raw columns.
        interpretability: 0 a formula that people can read … 3 a mean of several kinds of models; breaks ties.
    """

    name: str
    words: str
    build: Callable[[Recipe], Pipeline]
    suggest: Callable[[Trial], dict[str, float | int | str]]
    defaults: Parameters
    margin_onnx: Callable[[Any, Contract, GraphBuilder, Mapping[str, str]], str]
    contributions_onnx: Callable[[Any, pd.DataFrame, Target], Contributions]
    interpretability: int
