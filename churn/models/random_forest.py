"""Random forest (scikit-learn), behind CatBoostEncoder; medians for missing numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer

from churn.contract.contract import Contract
from churn.features.frame import DerivedColumns
from churn.features.graph import GraphBuilder
from churn.models.boosting import OF_PIPELINE, explain_trees
from churn.models.candidate import Candidate, Contributions, Recipe, Target, Trial
from churn.models.constraints import constraints_of
from churn.models.encoding import category_encoder, encoded_features_onnx
from churn.models.imbalance import class_weight_of, resample_step, suggest_imbalance
from churn.models.trees import Trees, join, one_tree, trees_onnx

LEAST = 1e-3
"""A forest is never surer than this: a probability near 0 or 1 has no useful log-odds."""

NEAR = 1e-4
"""Closer to the base than this, the quotient of the rescale rule is its limit."""


class CautiousForest(RandomForestClassifier):
    """A random forest whose probabilities stay away from 0 and 1."""

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803 scikit-learn's name
        """Return probabilities of staying and leaving, float64 of shape (rows, 2)."""
        return np.asarray(np.clip(super().predict_proba(X), LEAST, 1 - LEAST))


def build(recipe: Recipe) -> Pipeline:
    """Return the unfitted pipeline: derived columns, encoder, medians, made-up leavers if wanted, forest."""
    contract, values = recipe.contract, recipe.parameters
    imbalance, signs = str(values["imbalance"]), constraints_of(contract)
    model = CautiousForest(
        **{name: value for name, value in values.items() if name not in OF_PIPELINE},
        class_weight=class_weight_of(imbalance),
        monotonic_cst=signs if any(signs) else None,
        random_state=recipe.seed,
        n_jobs=recipe.threads,
    )
    return Pipeline(
        [
            ("derive", DerivedColumns(contract)),
            ("encode", category_encoder(contract, float(values["prior_weight"]))),
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            resample_step(imbalance, recipe.seed),
            ("model", model),
        ]
    )


def suggest(trial: Trial) -> dict[str, float | int | str]:
    """Search forests that stay small enough to be sent around: at most 200 trees of 32 leaves."""
    return {
        "n_estimators": trial.suggest_int("n_estimators", 80, 200),
        "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 8, 32),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 3, 60, log=True),
        "max_features": trial.suggest_float("max_features", 0.15, 0.8),
        "prior_weight": trial.suggest_float("prior_weight", 1.0, 30.0, log=True),
        "imbalance": suggest_imbalance(trial),
    }


def trees_of(pipeline: Any) -> Trees:
    """Read the forest; a missing number goes where its median goes, so the graph needs no imputation."""
    medians = np.asarray(pipeline["impute"].statistics_).astype(np.float32)
    forest = pipeline["model"]
    leaving = list(forest.classes_).index(1)
    return join([_tree(one.tree_, medians, leaving, len(forest.estimators_)) for one in forest.estimators_])


def _tree(tree: Any, medians: np.ndarray, leaving: int, trees: int) -> Trees:
    counts = tree.value[:, 0, :]
    return one_tree(
        split=(tree.feature, tree.threshold),
        children=(tree.children_left, tree.children_right),
        missing_left=medians[tree.feature] <= tree.threshold,
        value=counts[:, leaving] / counts.sum(axis=1) / trees,
    )


def margin_onnx(pipeline: Any, contract: Contract, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
    """Add the mean of the trees' probabilities, and its log-odds."""
    features = encoded_features_onnx(pipeline["encode"], contract, graph, tensors)
    return _log_odds_onnx(graph, trees_onnx(trees_of(pipeline), graph, features))


def contributions_onnx(pipeline: Any, background: pd.DataFrame, target: Target) -> Contributions:
    """Add the exact Shapley values of the probability, rescaled to log-odds.

    Method: the rescale rule, Chen, Lundberg and Lee, "Explaining a series of models by propagating Shapley values",
    2022. Every contribution is multiplied by the same slope, that of the log-odds between base and prediction.
    """
    graph, tensors = target
    trees = trees_of(pipeline)
    explained = explain_trees(trees, pipeline, background, target)
    features = encoded_features_onnx(pipeline["encode"], pipeline["derive"].contract, graph, tensors)
    probability = trees_onnx(trees, graph, features)
    slope = _slope_onnx(graph, probability, explained.base)
    return Contributions(graph.add("Mul", explained.tensor, slope), _log_odds(explained.base))


def _slope_onnx(graph: GraphBuilder, probability: str, base: float) -> str:
    """Add (log-odds - log-odds of the base) / (probability - base), or its limit: shape (rows, 1)."""
    away = graph.add("Sub", probability, graph.constant(base))
    gained = graph.add("Sub", _log_odds_onnx(graph, probability), graph.constant(_log_odds(base)))
    is_near = graph.add("Less", graph.add("Abs", away), graph.constant(NEAR))
    divisor = graph.add("Where", is_near, graph.constant(1.0), away)
    likely = min(max(base, LEAST), 1 - LEAST)
    limit = graph.constant(1 / (likely * (1 - likely)))
    return graph.add("Where", is_near, limit, graph.add("Div", gained, divisor))


def _log_odds(probability: float) -> float:
    likely = min(max(probability, LEAST), 1 - LEAST)
    return float(np.log(likely / (1 - likely)))


def _log_odds_onnx(graph: GraphBuilder, probability: str) -> str:
    likely = graph.add("Clip", probability, graph.constant(LEAST), graph.constant(1 - LEAST))
    odds = graph.add("Div", likely, graph.add("Sub", graph.constant(1.0), likely))
    return graph.curved("Log", odds)


CANDIDATE = Candidate(
    name="random_forest",
    words="random forest",
    build=build,
    suggest=suggest,
    defaults={
        "n_estimators": 100,
        "max_leaf_nodes": 32,
        "min_samples_leaf": 15,
        "max_features": 0.25,
        "prior_weight": 10.0,
        "imbalance": "none",
    },
    margin_onnx=margin_onnx,
    contributions_onnx=contributions_onnx,
    interpretability=2,
)
