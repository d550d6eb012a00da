"""Gradient boosting by CatBoost, behind CatBoostEncoder: native categories can't be exported to ONNX."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from catboost import CatBoostClassifier, Pool
from sklearn.pipeline import Pipeline

from churn.models.boosting import boosted_pipeline, contributions_onnx, margin_onnx, model_values
from churn.models.candidate import Candidate, Recipe, Trial
from churn.models.constraints import constraints_of
from churn.models.early_stopping import Library, Rows
from churn.models.imbalance import suggest_imbalance
from churn.models.trees import Trees, join, one_tree


def build(recipe: Recipe) -> Pipeline:
    """Return the unfitted pipeline: derived columns, encoder, boosted trees that stop early."""
    signs = constraints_of(recipe.contract)
    # As text, because CatBoost rewrites a list, and scikit-learn then refuses to clone.
    constrained = {"monotone_constraints": f"({','.join(map(str, signs))})"} if any(signs) else {}
    model = CatBoostClassifier(
        **model_values(recipe),
        **constrained,
        random_seed=recipe.seed,
        thread_count=recipe.threads,
        verbose=False,
        allow_writing_files=False,
    )
    return boosted_pipeline(recipe, model, LIBRARY)


def suggest(trial: Trial) -> dict[str, float | int | str]:
    """Search shallow trees: deeper ones cost latency and win nothing on customer tables of this size."""
    return {
        "iterations": trial.suggest_int("iterations", 100, 400),
        "depth": trial.suggest_int("depth", 2, 5),
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.15, log=True),
        "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 1.0, 20.0, log=True),
        "rsm": trial.suggest_float("rsm", 0.2, 1.0),
        "prior_weight": trial.suggest_float("prior_weight", 1.0, 30.0, log=True),
        "imbalance": suggest_imbalance(trial),
    }


def best_rounds(model: CatBoostClassifier, fitting: Rows, validating: Rows, patience: int) -> int:
    """Return the number of trees with the least validation loss."""
    pool = Pool(validating.features, validating.target, weight=validating.weights)
    model.fit(
        fitting.features,
        fitting.target,
        sample_weight=fitting.weights,
        eval_set=pool,
        early_stopping_rounds=patience,
        use_best_model=True,
    )
    return int(model.tree_count_)


def margin(model: CatBoostClassifier, features: np.ndarray) -> np.ndarray:
    """Return log-odds, shape (rows,)."""
    return np.asarray(model.predict(features, prediction_type="RawFormulaVal", thread_count=1))


def trees_of(model: CatBoostClassifier) -> Trees:
    """Read CatBoost's own JSON: every level of a tree asks one question."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trees.json"
        model.save_model(str(path), format="json")
        found = json.loads(path.read_text())
    scale, (base,) = found["scale_and_bias"]
    goes_right = {
        one["feature_index"]: one["nan_value_treatment"] == "AsTrue" for one in found["features_info"]["float_features"]
    }
    return join([_tree(one, scale, goes_right) for one in found["oblivious_trees"]], base=float(base))


def _tree(tree: dict[str, Any], scale: float, goes_right: dict[int, bool]) -> Trees:
    """Number the nodes level by level; a leaf's number holds the last question's answer in its highest bit."""
    splits = list(reversed(tree["splits"] or []))
    level = np.concatenate([np.full(2**depth, depth) for depth in range(len(splits) + 1)])
    is_leaf, own = level == len(splits), np.arange(len(level))
    features = np.array([*(one["float_feature_index"] for one in splits), 0])[level]
    return one_tree(
        split=(features, np.array([*(one["border"] for one in splits), 0.0])[level]),
        children=(np.where(is_leaf, -1, 2 * own + 1), np.where(is_leaf, -1, 2 * own + 2)),
        missing_left=np.array([not goes_right[one] for one in features]),
        value=np.concatenate([np.zeros((~is_leaf).sum()), scale * np.asarray(tree["leaf_values"])]),
    )


LIBRARY = Library(rounds="iterations", best_rounds=best_rounds, margin=margin, trees_of=trees_of)

CANDIDATE = Candidate(
    name="catboost",
    words="gradient-boosted trees (CatBoost)",
    build=build,
    suggest=suggest,
    defaults={
        "iterations": 300,
        "depth": 3,
        "learning_rate": 0.06,
        "l2_leaf_reg": 6.0,
        "rsm": 0.4,
        "prior_weight": 10.0,
        "imbalance": "none",
    },
    margin_onnx=margin_onnx,
    contributions_onnx=contributions_onnx,
    interpretability=2,
)
