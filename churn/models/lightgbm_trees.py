"""Gradient boosting by LightGBM, behind CatBoostEncoder."""

from typing import Any

import numpy as np
from lightgbm import LGBMClassifier, early_stopping
from sklearn.pipeline import Pipeline

from churn.models.boosting import boosted_pipeline, contributions_onnx, margin_onnx, model_values
from churn.models.candidate import Candidate, Recipe, Trial
from churn.models.constraints import constraints_of
from churn.models.early_stopping import Library, Rows
from churn.models.imbalance import suggest_imbalance
from churn.models.trees import Trees, join, one_tree

ALMOST_ZERO = float(np.float32(1e-35))


def build(recipe: Recipe) -> Pipeline:
    """Return the unfitted pipeline: derived columns, encoder, boosted trees that stop early."""
    signs = constraints_of(recipe.contract)
    constrained: dict[str, Any] = {"monotone_constraints": signs} if any(signs) else {}
    model = LGBMClassifier(
        **model_values(recipe),
        **constrained,
        subsample_freq=1,
        random_state=recipe.seed,
        n_jobs=recipe.threads,
        deterministic=True,
        force_row_wise=True,  # else it times both ways and may choose differently each time
        verbose=-1,
    )
    return boosted_pipeline(recipe, model, LIBRARY)


def suggest(trial: Trial) -> dict[str, float | int | str]:
    """Search small, regularised trees: larger ones cost latency and win nothing on customer tables of this size."""
    return {
        "n_estimators": trial.suggest_int("n_estimators", 150, 500),
        "num_leaves": trial.suggest_int("num_leaves", 4, 16),
        "max_depth": trial.suggest_int("max_depth", 2, 5),
        "learning_rate": trial.suggest_float("learning_rate", 0.015, 0.1, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 5, 100, log=True),
        "reg_lambda": trial.suggest_float("reg_lambda", 1.0, 30.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.1, 0.8),
        "prior_weight": trial.suggest_float("prior_weight", 1.0, 30.0, log=True),
        "imbalance": suggest_imbalance(trial),
    }


def best_rounds(model: LGBMClassifier, fitting: Rows, validating: Rows, patience: int) -> int:
    """Return the number of trees with the least validation loss."""
    model.fit(
        fitting.features,
        fitting.target,
        sample_weight=fitting.weights,
        eval_X=validating.features,
        eval_y=validating.target,
        eval_sample_weight=[validating.weights],
        callbacks=[early_stopping(patience, verbose=False)],
    )
    return int(model.best_iteration_)


def margin(model: LGBMClassifier, features: np.ndarray) -> np.ndarray:
    """Return log-odds, shape (rows,)."""
    return np.asarray(model.booster_.predict(features, raw_score=True, num_threads=1))


def trees_of(model: LGBMClassifier) -> Trees:
    """Read LightGBM's own dump; the first tree holds the base."""
    return join([_tree(one["tree_structure"]) for one in model.booster_.dump_model()["tree_info"]])


def _tree(root: dict[str, Any]) -> Trees:
    nodes = _listed(root)
    places = {id(node): place for place, node in enumerate(nodes)}
    return one_tree(
        split=(
            np.array([node.get("split_feature", 0) for node in nodes]),
            np.array([_threshold(node) for node in nodes]),
        ),
        children=(
            np.array([places.get(id(node.get("left_child")), -1) for node in nodes]),
            np.array([places.get(id(node.get("right_child")), -1) for node in nodes]),
        ),
        missing_left=np.array([_missing_goes_left(node) for node in nodes]),
        value=np.array([node.get("leaf_value", 0.0) for node in nodes]),
    )


def _listed(root: dict[str, Any]) -> list[dict[str, Any]]:
    nodes = [root]
    for node in nodes:  # grows while it is read
        nodes += [node[side] for side in ("left_child", "right_child") if side in node]
    return nodes


def _threshold(node: dict[str, Any]) -> float:
    """What lies within 1e-35 of zero is zero to LightGBM, and zero is above its threshold just below zero."""
    threshold = float(node.get("threshold", 0.0))
    return float(np.nextafter(threshold, -np.inf)) if threshold == -ALMOST_ZERO else threshold


def _missing_goes_left(node: dict[str, Any]) -> bool:
    """Where fitting saw no missing value of the feature, LightGBM takes one for zero."""
    if node.get("missing_type") == "NaN":
        return bool(node["default_left"])
    return bool(node.get("threshold", 0.0) >= 0)


LIBRARY = Library(rounds="n_estimators", best_rounds=best_rounds, margin=margin, trees_of=trees_of)

CANDIDATE = Candidate(
    name="lightgbm",
    words="gradient-boosted trees (LightGBM)",
    build=build,
    suggest=suggest,
    defaults={
        "n_estimators": 400,
        "num_leaves": 5,
        "max_depth": 3,
        "learning_rate": 0.03,
        "min_child_samples": 40,
        "reg_lambda": 10.0,
        "subsample": 0.8,
        "colsample_bytree": 0.3,
        "prior_weight": 10.0,
        "imbalance": "none",
    },
    margin_onnx=margin_onnx,
    contributions_onnx=contributions_onnx,
    interpretability=2,
)
