"""The features of a model: the contract's columns and its derived columns, as a frame or as tensors of a graph."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.features.graph import GraphBuilder
from churn.features.operations import derive, derive_onnx


def number_features(contract: Contract) -> tuple[str, ...]:
    """Names of the float32 features: the contract's numbers, then its derived columns."""
    return (*contract.numeric_columns, *contract.derived)


def text_features(contract: Contract) -> tuple[str, ...]:
    """Names of the category features."""
    return contract.category_columns


def raw_frame(columns: Columns) -> pd.DataFrame:
    """Return graph-ready columns as a frame, one row per customer."""
    return pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})


class DerivedColumns(TransformerMixin, BaseEstimator):
    """First step of every training pipeline: adds the contract's derived columns to a frame of its raw columns."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract

    def fit(self, frame: pd.DataFrame, target: Any = None) -> Self:
        """Nothing is learned: a derived column depends on its own row alone."""
        del target
        self.feature_names_in_ = np.asarray(frame.columns, dtype=object)
        return self

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return numbers, derived columns and categories, in this order."""
        columns = {name: frame[name].to_numpy() for name in self.contract.columns}
        derived = {name: derive(how, columns) for name, how in self.contract.derived.items()}
        ordered = [*number_features(self.contract), *text_features(self.contract)]
        return pd.DataFrame({**columns, **derived}, index=frame.index)[ordered]


def feature_tensors(contract: Contract, graph: GraphBuilder) -> Mapping[str, str]:
    """Declare the contract's inputs, add its derived columns; tensor name per feature."""
    tensors = {
        name: graph.number_input(name) if column.is_numeric else graph.text_input(name)
        for name, column in contract.columns.items()
    }
    return {**tensors, **{name: derive_onnx(how, graph, tensors) for name, how in contract.derived.items()}}
