from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import clone

from churn.models import catboost, lightgbm_trees, xgboost_trees
from churn.models.early_stopping import FEWEST_LEAVERS, VALIDATION_SHARE, EarlyStopped, Rows
from churn.models.imbalance import IMBALANCES
from tests.churn.models.tree_models import labels, rows

LIBRARIES = {"xgboost": xgboost_trees, "lightgbm": lightgbm_trees, "catboost": catboost}


def of_library(name: str, **values: Any) -> EarlyStopped:
    module = LIBRARIES[name]
    model = {
        "xgboost": xgboost_trees.XGBClassifier(n_jobs=1, learning_rate=0.3),
        "lightgbm": LGBMClassifier(n_jobs=1, learning_rate=0.3, verbose=-1),
        "catboost": catboost.CatBoostClassifier(
            thread_count=1, learning_rate=0.3, depth=3, verbose=False, allow_writing_files=False
        ),
    }[name]
    rounds = module.LIBRARY.rounds
    return EarlyStopped(model.set_params(**{rounds: 80}), module.LIBRARY, patience=10, **values)


def recording(stopped: EarlyStopped, seen: list[tuple[Rows, Rows]]) -> EarlyStopped:
    """The same estimator, which also writes down what it chose the number of rounds on."""

    def best_rounds(model: Any, fitting: Rows, validating: Rows, patience: int) -> int:
        seen.append((fitting, validating))
        return lightgbm_trees.best_rounds(model, fitting, validating, patience)

    stopped.library = replace(stopped.library, best_rounds=best_rounds)
    return stopped


@pytest.mark.parametrize("name", LIBRARIES)
def test_noise_is_left_sooner_than_a_signal(name: str) -> None:
    features = rows(600, seed=1)
    noise = np.random.default_rng(0).integers(0, 2, 600)

    of_noise = of_library(name).fit(features, noise).rounds_
    of_signal = of_library(name).fit(features, labels(features)).rounds_

    assert of_noise <= 5 < of_signal <= 80


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_model_has_as_many_trees_as_were_found_best(name: str) -> None:
    features = rows(600, seed=1)

    model = of_library(name).fit(features, labels(features))

    assert len(model.trees.roots) == model.rounds_


def test_the_last_fit_sees_all_rows() -> None:
    features = rows(600, seed=1)

    model = of_library("lightgbm").fit(features, labels(features)).model_

    assert model.booster_.dump_model()["tree_info"][0]["tree_structure"]["internal_count"] == 600


@pytest.mark.parametrize("imbalance", IMBALANCES)
def test_no_made_up_leaver_takes_part_in_choosing_where_to_stop(imbalance: str) -> None:
    features = rows(600, seed=1)
    target = labels(features) * (np.arange(600) % 2)
    seen: list[tuple[Rows, Rows]] = []

    recording(of_library("lightgbm", imbalance=imbalance), seen).fit(features, target)

    ((fitting, validating),) = seen
    real = {row.tobytes() for row in features}
    assert {row.tobytes() for row in validating.features} <= real
    assert not {row.tobytes() for row in validating.features} & {row.tobytes() for row in fitting.features}
    assert len(validating.features) == 600 * VALIDATION_SHARE
    assert (len(fitting.features) > 480) == (imbalance in {"smote", "adasyn"})


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("imbalance", ["weights", "smote", "adasyn"])
def test_a_model_that_was_told_both_classes_are_alike_is_not_stopped_at_once(name: str, imbalance: str) -> None:
    """Its probabilities are too high by intention: an unweighted loss would grow from the first tree on."""
    features = rows(600, seed=1)
    target = labels(features, threshold=4.0)

    as_it_is, told = (of_library(name, imbalance=one).fit(features, target) for one in ("none", imbalance))

    assert target.mean() < 0.2
    assert told.rounds_ > 5
    assert told.predict_proba(features)[:, 1].mean() > as_it_is.predict_proba(features)[:, 1].mean() + 0.01


def test_with_too_few_leavers_to_validate_on_all_rounds_are_taken() -> None:
    features = rows(600, seed=1)
    enough = round(FEWEST_LEAVERS / VALIDATION_SHARE)
    few, many = (np.arange(600) < leavers for leavers in (enough - 1, enough))

    assert of_library("lightgbm").fit(features, few).rounds_ == 80
    assert of_library("lightgbm").fit(features, many).rounds_ < 80


@pytest.mark.parametrize("name", LIBRARIES)
def test_fitted_twice_with_one_seed_it_gives_the_same_scores(name: str) -> None:
    features = rows(600, seed=1)
    first, second = (
        clone(of_library(name, seed=3)).fit(features, labels(features)).predict_proba(features) for _ in range(2)
    )

    assert np.array_equal(first, second)
