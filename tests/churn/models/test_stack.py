import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from churn.contract.contract import Contract
from churn.errors import UsageError
from churn.models.candidate import Recipe
from churn.models.candidates import CANDIDATES, SINGLE
from churn.models.stack import DEFAULT_MEMBERS, Stack, stack_parameters
from churn.models.stacked_pipelines import StackedPipelines, fit_weights
from tests.churn.models.battery import Examined, customers, fit


def two_views(rows: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds of three members: two that each see half of the truth, and one that sees nothing."""
    rng = np.random.default_rng(seed)
    halves = rng.normal(size=(rows, 2))
    target = (rng.random(rows) < expit(halves.sum(axis=1))).astype(int)
    return np.column_stack([halves, rng.normal(size=rows)]), target


class Memory(ClassifierMixin, BaseEstimator):
    """Knows by heart what it was fitted on, and guesses otherwise."""

    def fit(self, frame: pd.DataFrame, target: np.ndarray) -> "Memory":
        self.known_ = dict(zip(frame["row"], target, strict=True))
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        leaving = np.array([0.1 + 0.8 * self.known_.get(row, row * 7919 % 10 / 9) for row in frame["row"]])
        return np.column_stack([1 - leaving, leaving])


class Signal(LogisticRegression):
    """Sees the column `signal` alone."""

    def fit(self, frame: pd.DataFrame, target: np.ndarray) -> "Signal":
        return super().fit(frame[["signal"]].to_numpy(), target)

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        return np.asarray(super().predict_proba(frame[["signal"]].to_numpy()))


def test_members_that_know_something_have_the_weight_and_noise_has_none() -> None:
    log_odds, target = two_views(5000, seed=1)

    weights = fit_weights(log_odds, target, shrinkage=0.0)

    np.testing.assert_allclose(weights, [1, 1, 0], atol=0.12)


def test_a_member_that_points_the_wrong_way_is_left_out_and_not_turned_round() -> None:
    log_odds, target = two_views(2000, seed=2)

    weights = fit_weights(log_odds * [1, -1, 1], target, shrinkage=0.0)

    assert weights[1] == 0
    assert (weights >= 0).all()


def test_shrinkage_draws_the_weights_towards_being_equal() -> None:
    log_odds, target = two_views(2000, seed=3)
    apart = [
        np.abs(fit_weights(log_odds, target, shrinkage=shrinkage) - 1 / 3).max() for shrinkage in (0, 0.1, 1, 1000)
    ]

    assert apart == sorted(apart, reverse=True)
    assert apart[-1] < 0.01


def test_equal_members_share_a_weight_of_about_one() -> None:
    rng = np.random.default_rng(4)
    margin = rng.normal(-1, 1.5, 4000)
    target = (rng.random(4000) < expit(margin)).astype(int)

    weights = fit_weights(np.column_stack([margin] * 4), target, shrinkage=0.03)

    np.testing.assert_allclose(weights, 0.25, atol=0.02)


def test_members_at_another_level_are_not_weighed_for_it() -> None:
    """Class weights shift a member's log-odds; the calibration puts that right, not the weights."""
    log_odds, target = two_views(4000, seed=5)

    plain = fit_weights(log_odds, target, shrinkage=0.01)
    shifted = fit_weights(log_odds + np.array([2, 0, 0]), target, shrinkage=0.01)

    np.testing.assert_allclose(plain, shifted, atol=1e-3)


def test_a_member_that_only_remembers_has_no_weight_because_it_is_judged_out_of_fold() -> None:
    rng = np.random.default_rng(6)
    signal = rng.normal(size=600)
    target = (rng.random(600) < expit(1.5 * signal)).astype(int)
    frame = pd.DataFrame({"row": range(600), "signal": signal})
    members = [("memory", Pipeline([("model", Memory())])), ("signal", Pipeline([("model", Signal())]))]

    stacked = StackedPipelines(members, shrinkage=0.0).fit(frame, target)

    assert [name for name, _, _ in stacked.weighed_members()] == ["signal"]


def test_the_parameters_of_a_stack_are_those_that_the_search_found_for_its_members(telco: Contract) -> None:
    found = {"logistic": {"C": 0.02, "imbalance": "weights"}, "catboost": {**SINGLE["catboost"].defaults, "depth": 5}}

    parameters = stack_parameters(found)
    pipeline = CANDIDATES["stack"].build(Recipe(telco, parameters, seed=3))

    assert parameters["catboost.depth"] == 5
    members = dict(pipeline["model"].members)
    assert list(members) == ["logistic", "catboost"]
    assert members["logistic"]["model"].C == 0.02
    assert members["logistic"]["model"].class_weight == "balanced"


def test_without_a_search_the_members_have_their_defaults() -> None:
    members = Stack(SINGLE).members(CANDIDATES["stack"].defaults)

    assert tuple(members) == DEFAULT_MEMBERS
    assert members == {name: SINGLE[name].defaults for name in DEFAULT_MEMBERS}


@pytest.mark.parametrize("name", ["stack", "gpt"])
def test_a_member_that_can_t_be_one_is_refused_with_those_that_can(telco: Contract, name: str) -> None:
    with pytest.raises(UsageError, match=f"can't have the member {name}: there are dummy, logistic"):
        CANDIDATES["stack"].build(Recipe(telco, {"members": f"logistic,{name}"}))


def test_a_member_without_weight_is_not_in_the_graph(telco: Contract) -> None:
    one = fit(CANDIDATES["stack"], telco, customers(telco, 300, seed=8))
    columns = customers(telco, 200, seed=9).columns
    stacked = one.fitted.pipeline_["model"]

    stacked.weights_ = np.array([0.7, 0.0])

    alone = Examined(CANDIDATES["logistic"], telco, one.seen, one.fitted)
    alone.fitted.pipeline_ = stacked.members_[0]
    of_logistic = alone.margins(columns)
    one.fitted.pipeline_ = Pipeline([("model", stacked)])
    np.testing.assert_allclose(one.margins(columns), 0.7 * of_logistic, atol=1e-6)
