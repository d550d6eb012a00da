"""Gradient boosting by CatBoost, behind CatBoostEncoder: native categories can't be exported to ONNX."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pandas as pd
from catboost import CatBoostClassifier
from onnx import helper
from sklearn.pipeline import Pipeline

from churn.contract.contract import Contract
from churn.features.frame import DerivedColumns, number_features, text_features
from churn.features.graph import ML_DOMAIN, GraphBuilder
from churn.models.candidate import Candidate, Contributions, Recipe, Target, Trial
from churn.models.encoding import category_encoder, encoded_onnx


def build(recipe: Recipe) -> Pipeline:
    """Return the unfitted pipeline: derived columns, encoder, boosted trees."""
    values, contract = dict(recipe.parameters), recipe.contract
    encoder = category_encoder(contract, float(values.pop("prior_weight")))
    model = CatBoostClassifier(
        **values, random_seed=recipe.seed, thread_count=recipe.threads, verbose=False, allow_writing_files=False
    )
    return Pipeline([("derive", DerivedColumns(contract)), ("encode", encoder), ("model", model)])


def suggest(trial: Trial) -> dict[str, float | int | str]:
    """Search shallow trees: deeper ones cost latency and win nothing on customer tables of this size."""
    return {
        "iterations": trial.suggest_int("iterations", 80, 300),
        "depth": trial.suggest_int("depth", 3, 5),
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.15, log=True),
        "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 1.0, 20.0, log=True),
        "rsm": trial.suggest_float("rsm", 0.4, 1.0),
        "prior_weight": trial.suggest_float("prior_weight", 1.0, 30.0, log=True),
    }


def margin_onnx(pipeline: Any, contract: Contract, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
    """Add the trees as one TreeEnsembleRegressor over the encoded features."""
    encoded = encoded_onnx(pipeline["encode"], contract, graph, tensors)
    ordered = [*(tensors[name] for name in number_features(contract)), *(encoded[n] for n in text_features(contract))]
    features = graph.add("Concat", *ordered, axis=1)
    return graph.add("TreeEnsembleRegressor", features, domain=ML_DOMAIN, **_tree_attributes(pipeline["model"]))


def contributions_onnx(pipeline: Any, background: pd.DataFrame, target: Target) -> Contributions:
    """Not there yet."""
    raise NotImplementedError


def _tree_attributes(model: CatBoostClassifier) -> dict[str, Any]:
    """Turn CatBoost's own ONNX export (a classifier with two outputs) into a regressor of the positive log-odds."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trees.onnx"
        model.save_model(str(path), format="onnx")
        node = onnx.load(str(path)).graph.node[0]
    exported = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    is_positive = np.asarray(exported["class_ids"]) == 1
    trees = {name: value for name, value in exported.items() if name.startswith("nodes_")}
    return {
        **trees,
        "n_targets": 1,
        "target_ids": [0] * int(is_positive.sum()),
        "target_nodeids": np.asarray(exported["class_nodeids"])[is_positive].tolist(),
        "target_treeids": np.asarray(exported["class_treeids"])[is_positive].tolist(),
        "target_weights": np.asarray(exported["class_weights"])[is_positive].tolist(),
    }


CANDIDATE = Candidate(
    name="catboost",
    words="gradient-boosted trees (CatBoost)",
    build=build,
    suggest=suggest,
    defaults={
        "iterations": 200,
        "depth": 4,
        "learning_rate": 0.06,
        "l2_leaf_reg": 6.0,
        "rsm": 0.7,
        "prior_weight": 10.0,
    },
    margin_onnx=margin_onnx,
    contributions_onnx=contributions_onnx,
    interpretability=2,
)
