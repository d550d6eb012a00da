"""Gradient boosting by XGBoost, behind CatBoostEncoder."""

import json
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from xgboost import XGBClassifier

from churn.models.boosting import boosted_pipeline, contributions_onnx, margin_onnx, model_values
from churn.models.candidate import Candidate, Recipe, Trial
from churn.models.constraints import constraints_of
from churn.models.early_stopping import Library, Rows
from churn.models.imbalance import suggest_imbalance
from churn.models.trees import Trees, join, one_tree


def build(recipe: Recipe) -> Pipeline:
    """Return the unfitted pipeline: derived columns, encoder, boosted trees that stop early."""
    model = XGBClassifier(
        **model_values(recipe),
        monotone_constraints=tuple(constraints_of(recipe.contract)),
        random_state=recipe.seed,
        n_jobs=recipe.threads,
        tree_method="hist",
    )
    return boosted_pipeline(recipe, model, LIBRARY)


def suggest(trial: Trial) -> dict[str, float | int | str]:
    """Search shallow, regularised trees: deeper ones cost latency and win nothing on customer tables of this size."""
    return {
        "n_estimators": trial.suggest_int("n_estimators", 150, 500),
        "max_depth": trial.suggest_int("max_depth", 2, 4),
        "learning_rate": trial.suggest_float("learning_rate", 0.015, 0.1, log=True),
        "min_child_weight": trial.suggest_float("min_child_weight", 1.0, 30.0, log=True),
        "reg_lambda": trial.suggest_float("reg_lambda", 1.0, 30.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.2, 1.0),
        "prior_weight": trial.suggest_float("prior_weight", 1.0, 30.0, log=True),
        "imbalance": suggest_imbalance(trial),
    }


def best_rounds(model: XGBClassifier, fitting: Rows, validating: Rows, patience: int) -> int:
    """Return the number of trees with the least validation loss."""
    model.set_params(early_stopping_rounds=patience).fit(
        fitting.features,
        fitting.target,
        sample_weight=fitting.weights,
        eval_set=[(validating.features, validating.target)],
        sample_weight_eval_set=[validating.weights],
        verbose=False,
    )
    return int(model.best_iteration) + 1


def margin(model: XGBClassifier, features: np.ndarray) -> np.ndarray:
    """Return log-odds, shape (rows,)."""
    return np.asarray(model.predict(features, output_margin=True))


def trees_of(model: XGBClassifier) -> Trees:
    """Read XGBoost's own JSON; its base score is a probability."""
    learner = json.loads(model.get_booster().save_raw("json"))["learner"]
    base = float(learner["learner_model_param"]["base_score"].strip("[]"))
    trees = [_tree(one) for one in learner["gradient_booster"]["model"]["trees"]]
    return join(trees, base=float(np.log(base / (1 - base))))


def _tree(tree: dict[str, Any]) -> Trees:
    """XGBoost goes left below the threshold; at most the float32 before it is the same."""
    conditions = np.asarray(tree["split_conditions"], np.float32)
    return one_tree(
        split=(np.asarray(tree["split_indices"]), np.nextafter(conditions, np.float32(-np.inf))),
        children=(np.asarray(tree["left_children"]), np.asarray(tree["right_children"])),
        missing_left=np.asarray(tree["default_left"], bool),
        value=conditions,
    )


LIBRARY = Library(rounds="n_estimators", best_rounds=best_rounds, margin=margin, trees_of=trees_of)

CANDIDATE = Candidate(
    name="xgboost",
    words="gradient-boosted trees (XGBoost)",
    build=build,
    suggest=suggest,
    defaults={
        "n_estimators": 400,
        "max_depth": 3,
        "learning_rate": 0.03,
        "min_child_weight": 5.0,
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
