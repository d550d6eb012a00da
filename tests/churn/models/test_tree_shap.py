import warnings
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from catboost import CatBoostClassifier, Pool
from imblearn.pipeline import Pipeline
from lightgbm import LGBMClassifier
from sklearn.impute import SimpleImputer
from xgboost import DMatrix, XGBRegressor

from churn.models import catboost, lightgbm_trees, random_forest, xgboost_trees
from churn.models.tree_shap import Path, contributions_of, expected_margin, paths_of
from churn.models.trees import Trees, join, one_tree
from tests.churn.models.tree_models import MAKERS, labels, rows, run_onnx

SEEN = rows(400, seed=1)
TARGET = labels(SEEN)
UNSEEN = rows(100, seed=2)


def explain(paths: list[Path], features: np.ndarray) -> np.ndarray:
    flat = run_onnx(features, lambda graph, tensor: contributions_of(paths, features.shape[1], (graph, tensor)))
    return np.asarray(flat, np.float64).reshape(features.shape)


def assert_equal_to(expected: np.ndarray, trees: Trees, *, background: np.ndarray = SEEN) -> None:
    """Expected: shape (rows, features + 1), the base last."""
    paths = paths_of(trees, background)
    np.testing.assert_allclose(explain(paths, UNSEEN), expected[:, :-1], atol=1e-4)
    np.testing.assert_allclose(expected_margin(trees, paths), expected[:, -1], atol=1e-4)


@pytest.mark.parametrize(("leaves", "depth"), [(2, 1), (6, 3), (31, 7)])
def test_contributions_equal_those_of_lightgbm(leaves: int, depth: int) -> None:
    model = LGBMClassifier(n_estimators=15, num_leaves=leaves, max_depth=depth, n_jobs=1, verbose=-1)
    model.fit(SEEN, TARGET)

    assert_equal_to(model.booster_.predict(UNSEEN, pred_contrib=True), lightgbm_trees.trees_of(model))


def test_contributions_equal_those_of_catboost() -> None:
    model = CatBoostClassifier(iterations=15, depth=4, thread_count=1, verbose=False, allow_writing_files=False)
    model.fit(SEEN, TARGET)

    assert_equal_to(model.get_feature_importance(Pool(UNSEEN), type="ShapValues"), catboost.trees_of(model))


def test_contributions_equal_those_of_xgboost_where_it_counts_rows() -> None:
    """Its shares are sums of second derivatives, and those of the squared error are one a row."""
    model = XGBRegressor(n_estimators=15, max_depth=4, n_jobs=1).fit(SEEN, TARGET)
    found = model.get_booster().predict(DMatrix(UNSEEN), pred_contribs=True)
    trees = xgboost_trees.trees_of(model)
    paths = paths_of(trees, SEEN)

    np.testing.assert_allclose(explain(paths, UNSEEN), found[:, :-1], atol=1e-4)


def test_contributions_equal_those_of_shap_for_a_random_forest() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shap reads a name that matplotlib is about to drop
        from shap import TreeExplainer
    fill = SimpleImputer(strategy="median")
    forest = random_forest.CautiousForest(n_estimators=15, max_leaf_nodes=16, bootstrap=False, random_state=0)
    pipeline = Pipeline([("impute", fill), ("model", forest)]).fit(SEEN, TARGET)
    explainer = TreeExplainer(forest, feature_perturbation="tree_path_dependent")
    found = explainer.shap_values(fill.transform(UNSEEN), check_additivity=False)[..., 1]

    expected = np.column_stack([found, np.full(len(found), explainer.expected_value[1])])
    assert_equal_to(expected, random_forest.trees_of(pipeline))


def by_definition(paths: list[Path], row: np.ndarray) -> np.ndarray:
    """Shapley values from all coalitions of features."""
    features = len(row)

    def worth(known: tuple[int, ...]) -> float:
        return sum(
            path.value
            * np.prod([_passes(one, row) if one.feature in known else share for one, share in path.shares.items()])
            for path in paths
        )

    found = np.zeros(features)
    for feature in range(features):
        others = [one for one in range(features) if one != feature]
        for size in range(features):
            weight = factorial(size) * factorial(features - size - 1) / factorial(features)
            for known in combinations(others, size):
                found[feature] += weight * (worth((*known, feature)) - worth(known))
    return found


def _passes(interval: Any, row: np.ndarray) -> float:
    value = row[interval.feature]
    return float(interval.takes_missing if np.isnan(value) else interval.low < value <= interval.high)


@pytest.mark.parametrize("library", MAKERS)
def test_contributions_are_the_mean_over_all_orders_of_learning_the_features(library: str) -> None:
    trees, _ = MAKERS[library](SEEN, TARGET)
    paths = paths_of(trees, rows(50, seed=9))

    found = explain(paths, UNSEEN[:2])

    expected = [by_definition(paths, row) for row in UNSEEN[:2]]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("library", MAKERS)
@pytest.mark.parametrize("background", [1, 20, 400])
def test_base_and_contributions_add_up_to_the_margin_for_any_background(library: str, background: int) -> None:
    trees, _ = MAKERS[library](SEEN, TARGET)
    strange = np.vstack([UNSEEN, np.full((1, 5), np.nan), np.full((1, 5), 1e30), np.full((1, 5), -1e30)])
    strange = strange.astype(np.float32)
    paths = paths_of(trees, SEEN[:background])

    total = expected_margin(trees, paths) + explain(paths, strange).sum(axis=1)

    np.testing.assert_allclose(total, trees.margin(strange), atol=2e-5)


def test_trees_that_ask_nothing_contribute_nothing() -> None:
    leaf = one_tree(
        split=(np.array([0]), np.array([0.0])),
        children=(np.array([-1]), np.array([-1])),
        missing_left=np.array([False]),
        value=np.array([0.7]),
    )
    trees = join([leaf, leaf], base=0.1)
    paths = paths_of(trees, SEEN)

    assert expected_margin(trees, paths) == pytest.approx(1.5)
    assert not explain(paths, UNSEEN).any()
