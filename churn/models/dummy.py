"""The baseline that any model has to beat: everybody leaves as often as customers do on average."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from churn.contract.contract import Contract
from churn.features.frame import DerivedColumns, number_features, text_features
from churn.features.graph import GraphBuilder
from churn.models.candidate import Candidate, Contributions, Recipe, Target, Trial
from churn.models.cross_fitting import log_odds_of


def build(recipe: Recipe) -> Pipeline:
    """Return the unfitted pipeline: derived columns, which it does not look at, and the churn rate."""
    return Pipeline([("derive", DerivedColumns(recipe.contract)), ("model", DummyClassifier(strategy="prior"))])


def suggest(trial: Trial) -> dict[str, float | int | str]:
    """There is nothing to search."""
    del trial
    return {}


def margin_onnx(pipeline: Any, contract: Contract, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
    """Add the log-odds of the churn rate, once per row."""
    return graph.add("Add", _zero(contract, (graph, tensors)), graph.constant(_margin(pipeline)))


def contributions_onnx(pipeline: Any, background: pd.DataFrame, target: Target) -> Contributions:
    """Add zeros: no column moves the margin."""
    del background
    contract, (graph, _) = pipeline["derive"].contract, target
    features = len(number_features(contract)) + len(text_features(contract))
    tensor = graph.add("Add", _zero(contract, target), graph.constant(np.zeros((1, features))))
    return Contributions(tensor, _margin(pipeline))


def _margin(pipeline: Any) -> float:
    return float(log_odds_of(pipeline["model"].class_prior_[1]))


def _zero(contract: Contract, target: Target) -> str:
    """A zero per row: the graph learns from a column how many rows there are."""
    graph, tensors = target
    name = next(iter(contract.columns))
    if not contract.columns[name].is_numeric:
        return graph.lookup(tensors[name], {}, 0.0)
    return graph.add("Where", graph.add("IsNaN", tensors[name]), graph.constant(0.0), graph.constant(0.0))


CANDIDATE = Candidate(
    name="dummy",
    words="the average churn rate for everybody",
    build=build,
    suggest=suggest,
    defaults={},
    margin_onnx=margin_onnx,
    contributions_onnx=contributions_onnx,
    interpretability=0,
)
