"""Small fitted models of every tree library, for tests of what is made from them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
from catboost import CatBoostClassifier
from imblearn.pipeline import Pipeline
from lightgbm import LGBMClassifier
from sklearn.impute import SimpleImputer
from xgboost import XGBClassifier

from churn.features.graph import GraphBuilder
from churn.models import catboost, lightgbm_trees, random_forest, xgboost_trees
from churn.models.trees import Trees

Margin = Callable[[np.ndarray], np.ndarray]


def rows(number: int, *, seed: int, complete: tuple[int, ...] = ()) -> np.ndarray:
    """Five features with a tenth of the values missing, whole numbers among them; `complete` ones have all."""
    rng = np.random.default_rng(seed)
    features = rng.normal(scale=2, size=(number, 5)).astype(np.float32)
    features[:, 1] = np.rint(features[:, 1])
    missing = rng.random(features.shape) < 0.1
    missing[:, complete] = False
    return np.where(missing, np.float32(np.nan), features).astype(np.float32)


def labels(features: np.ndarray, *, seed: int = 0, threshold: float = 0.5) -> np.ndarray:
    """Labels that products of features explain in part."""
    known = np.nan_to_num(features)
    signal = known[:, 0] + known[:, 1] * known[:, 2] - np.isnan(features[:, 0])
    return (signal + np.random.default_rng(seed).normal(size=len(known)) > threshold).astype(int)


def of_xgboost(features: np.ndarray, target: np.ndarray) -> tuple[Trees, Margin]:
    model = XGBClassifier(n_estimators=20, max_depth=3, n_jobs=1).fit(features, target)
    return xgboost_trees.trees_of(model), lambda rows: xgboost_trees.margin(model, rows)


def of_lightgbm(features: np.ndarray, target: np.ndarray) -> tuple[Trees, Margin]:
    model = LGBMClassifier(n_estimators=20, num_leaves=7, n_jobs=1, verbose=-1).fit(features, target)
    return lightgbm_trees.trees_of(model), lambda rows: lightgbm_trees.margin(model, rows)


def of_catboost(features: np.ndarray, target: np.ndarray) -> tuple[Trees, Margin]:
    model = CatBoostClassifier(iterations=20, depth=4, thread_count=1, verbose=False, allow_writing_files=False)
    model.fit(features, target)
    return catboost.trees_of(model), lambda rows: catboost.margin(model, rows)


def of_random_forest(features: np.ndarray, target: np.ndarray) -> tuple[Trees, Margin]:
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    forest = random_forest.CautiousForest(n_estimators=20, max_leaf_nodes=16, random_state=0)
    pipeline = Pipeline([("impute", impute), ("model", forest)]).fit(features, target)
    return random_forest.trees_of(pipeline), lambda rows: pipeline.predict_proba(rows)[:, 1]


MAKERS = {
    "xgboost": of_xgboost,
    "lightgbm": of_lightgbm,
    "catboost": of_catboost,
    "random_forest": of_random_forest,
}


def run_onnx(features: np.ndarray, write: Callable[[GraphBuilder, str], str]) -> Any:
    """Run what `write` adds to a graph over a tensor of features; flattened."""
    graph = GraphBuilder()
    inputs = [graph.number_input(f"x{number}") for number in range(features.shape[1])]
    model = graph.build(write(graph, graph.add("Concat", *inputs, axis=1)), "out").SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {name: features[:, [number]] for number, name in enumerate(inputs)})[0]
