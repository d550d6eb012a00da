"""The terms of the linear candidate, one per feature: in the graph, and on average over a background."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import OneHotEncoder

from churn.contract.contract import Contract
from churn.features.frame import number_features, text_features
from churn.models.candidate import Target
from churn.models.ramps import RAMPS


@dataclass(frozen=True, slots=True)
class Weights:
    """The linear model's weights, by the step that made their columns.

    Attributes:
        ramps: shape (numbers, RAMPS).
        missing: shape (numbers,).
        categories: one array per category column, as long as its one-hot columns.
    """

    ramps: np.ndarray
    missing: np.ndarray
    categories: list[np.ndarray]


def weights_of(pipeline: Any, contract: Contract, columns: np.ndarray) -> Weights:
    """Split one value per encoded column, shape (columns,), as the encoder lays them out."""
    numbers = len(number_features(contract))
    ramps, missing, categories = np.split(columns, [numbers * RAMPS, numbers * (RAMPS + 1)])
    ends = np.cumsum(list(_widths(pipeline, contract)), dtype=int)[:-1]
    by_column = np.split(categories, ends) if text_features(contract) else []
    return Weights(ramps.reshape(numbers, RAMPS), missing, by_column)


def mean_terms(pipeline: Any, contract: Contract, background: pd.DataFrame) -> np.ndarray:
    """Return each feature's mean term over some customers, in log-odds, shape (features,)."""
    encoded = pipeline["encode"].transform(pipeline["derive"].transform(background))
    parts = weights_of(pipeline, contract, encoded.mean(axis=0) * pipeline["model"].coef_[0])
    return np.array([*(parts.ramps.sum(axis=1) + parts.missing), *(part.sum() for part in parts.categories)])


def terms_onnx(pipeline: Any, contract: Contract, target: Target) -> str:
    """Add every feature's term to a graph: log-odds of shape (rows, features)."""
    weights = weights_of(pipeline, contract, pipeline["model"].coef_[0])
    graph, _ = target
    parts = [*_number_terms(pipeline, contract, weights, target), *_category_terms(pipeline, contract, weights, target)]
    return graph.add("Concat", *parts, axis=1)


def _number_terms(pipeline: Any, contract: Contract, weights: Weights, target: Target) -> Iterator[str]:
    """Fill with medians, climb the ramps, weigh them; the same float32 steps as the pipeline's."""
    graph, tensors = target
    names = number_features(contract)
    if not names:
        return
    imputer, ramps = (step for _, step in pipeline["encode"].named_transformers_["ramps"].steps)
    numbers = graph.add("Concat", *(tensors[name] for name in names), axis=1)
    is_missing = graph.add("IsNaN", numbers)
    filled = graph.add("Where", is_missing, graph.constant(imputer.statistics_[None, :]), numbers)
    apart = graph.add(
        "Sub", graph.add("Unsqueeze", filled, graph.constant([2], np.int64)), graph.constant(ramps.starts_)
    )
    risen = graph.add("Min", graph.add("Max", apart, graph.constant(0.0)), graph.constant(ramps.widths_))
    weighted = graph.add("Mul", graph.add("Div", risen, graph.constant(ramps.scale_)), graph.constant(weights.ramps))
    splines = graph.add("Squeeze", graph.row_sum(weighted, RAMPS, axis=2), graph.constant([2], np.int64))
    for_missing = graph.add("Mul", graph.add("Cast", is_missing, to=1), graph.constant(weights.missing[None, :]))
    yield graph.add("Add", splines, for_missing)


def _category_terms(pipeline: Any, contract: Contract, weights: Weights, target: Target) -> Iterator[str]:
    """A one-hot category times its weight is its weight: a look-up replaces the wide matrix."""
    graph, tensors = target
    for name, (known, rare), own in zip(
        text_features(contract), _categories(pipeline, contract), weights.categories, strict=True
    ):
        for_rare = float(own[-1]) if rare else 0.0
        graph_table = dict(zip(known, own.tolist(), strict=False)) | dict.fromkeys(rare, for_rare)
        yield graph.lookup(tensors[name], graph_table, for_rare)


def _widths(pipeline: Any, contract: Contract) -> Iterator[int]:
    """One-hot columns per category column; the rare ones share the last."""
    return (len(known) + bool(rare) for known, rare in _categories(pipeline, contract))


def _categories(pipeline: Any, contract: Contract) -> Iterator[tuple[list[str], set[str]]]:
    """The categories with a weight of their own, in order, and the rare ones, per category column."""
    if not text_features(contract):
        return
    one_hot: OneHotEncoder = pipeline["encode"].named_transformers_["categories"]
    for categories, infrequent in zip(one_hot.categories_, one_hot.infrequent_categories_, strict=True):
        rare = set() if infrequent is None else {str(category) for category in infrequent}
        yield [str(category) for category in categories if str(category) not in rare], rare
