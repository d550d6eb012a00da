"""What the candidates of boosted trees share: the pipeline around them, and how it is written into a graph."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from churn.contract.contract import Contract
from churn.features.frame import DerivedColumns
from churn.features.graph import GraphBuilder
from churn.models.candidate import Contributions, Recipe, Target
from churn.models.early_stopping import EarlyStopped, Library
from churn.models.encoding import category_encoder, encoded_features_onnx
from churn.models.tree_shap import contributions_of, expected_margin, paths_of
from churn.models.trees import Trees, trees_onnx

OF_PIPELINE = ("imbalance", "prior_weight")
"""Parameters of a candidate that are not its model's."""


def boosted_pipeline(recipe: Recipe, model: Any, library: Library) -> Pipeline:
    """Return the unfitted pipeline: derived columns, encoder, boosted trees that stop early."""
    contract, values = recipe.contract, recipe.parameters
    encoder = category_encoder(contract, float(values["prior_weight"]))
    stopped = EarlyStopped(model, library, imbalance=str(values["imbalance"]), seed=recipe.seed)
    return Pipeline([("derive", DerivedColumns(contract)), ("encode", encoder), ("model", stopped)])


def model_values(recipe: Recipe) -> dict[str, Any]:
    """Return the parameters that go to the model itself."""
    return {name: value for name, value in recipe.parameters.items() if name not in OF_PIPELINE}


def margin_onnx(pipeline: Any, contract: Contract, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
    """Add the trees as one TreeEnsembleRegressor over the encoded features."""
    features = encoded_features_onnx(pipeline["encode"], contract, graph, tensors)
    return trees_onnx(pipeline["model"].trees, graph, features)


def contributions_onnx(pipeline: Any, background: pd.DataFrame, target: Target) -> Contributions:
    """Add the exact Shapley values of the log-odds."""
    return explain_trees(pipeline["model"].trees, pipeline, background, target)


def explain_trees(trees: Trees, pipeline: Any, background: pd.DataFrame, target: Target) -> Contributions:
    """Add the Shapley values of the sum of trees over a pipeline's encoded features."""
    graph, tensors = target
    encoded = pipeline["encode"].transform(pipeline["derive"].transform(background)).to_numpy(np.float32)
    features = encoded_features_onnx(pipeline["encode"], pipeline["derive"].contract, graph, tensors)
    paths = paths_of(trees, encoded)
    return Contributions(contributions_of(paths, encoded.shape[1], (graph, features)), expected_margin(trees, paths))
