"""The battery over every line of CANDIDATES; a new candidate joins by its line there."""

import resource
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from churn.contract.contract import Contract
from churn.features.frame import raw_frame
from churn.features.graph import GraphBuilder
from churn.models.calibration import CalibratedPipeline
from churn.models.calibrators import Line
from churn.models.candidate import Recipe
from churn.models.candidates import CANDIDATES
from tests.churn.models import battery
from tests.churn.models.battery import Examined, customers, examine, fit

ALL = pytest.mark.parametrize("name", CANDIDATES)


@pytest.fixture(scope="module")
def examined(telco: Contract) -> Any:
    """Each candidate, fitted once."""
    return cache(lambda name: fit(CANDIDATES[name], telco, customers(telco, battery.ROWS, seed=10)))


@ALL
@pytest.mark.parametrize("check", battery.FITTED_CHECKS)
def test_a_fitted_candidate_passes(examined: Any, name: str, check: str) -> None:
    battery.FITTED_CHECKS[check](examined(name))


@ALL
@pytest.mark.parametrize("check", battery.FITTING_CHECKS)
def test_a_candidate_passes(telco: Contract, name: str, check: str) -> None:
    battery.FITTING_CHECKS[check](CANDIDATES[name], telco)


@ALL
def test_its_search_space_holds_its_defaults(name: str) -> None:
    made = CANDIDATES[name]

    suggested = made.suggest(optuna.trial.FixedTrial(dict(made.defaults)))

    assert suggested == made.defaults
    assert made.name == name
    assert made.words


@ALL
def test_it_finds_nothing_where_there_is_nothing(telco: Contract, name: str) -> None:
    sample = customers(telco, 400, seed=21)
    noise = np.random.default_rng(3).integers(0, 2, 400).astype(np.int8)

    scores = fit(CANDIDATES[name], telco, replace(sample, target=noise)).scores(sample.columns)

    assert pd.Series(scores).between(0.2, 0.8).mean() > 0.85


SEARCHED = [name for name, made in CANDIDATES.items() if "imbalance" in made.defaults]


@pytest.mark.parametrize(
    ("name", "imbalance"), [("logistic", "weights"), ("logistic", "adasyn"), *((name, "smote") for name in SEARCHED)]
)
def test_what_is_done_about_few_leavers_is_repaired_by_the_calibration(
    telco: Contract, name: str, imbalance: str
) -> None:
    made = replace(CANDIDATES[name], defaults=dict(CANDIDATES[name].defaults) | {"imbalance": imbalance})

    one = fit(made, telco, customers(telco, 800, seed=22))

    battery.check_parity(one)
    battery.check_calibration(one)
    assert one.fitted.calibrator_.name != "none"


def test_a_graph_that_forgets_the_encoder_s_default_fails(examined: Any) -> None:
    """An unknown category gets the weight of the first one instead of none."""

    class Forgetful(GraphBuilder):
        def lookup(self, text: str, table: Mapping[str, float], default: float) -> str:
            del default
            return super().lookup(text, table, next(iter(table.values())))

    honest = CANDIDATES["logistic"]

    def margin_onnx(pipeline: Any, contract: Contract, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
        graph.__class__ = Forgetful
        return honest.margin_onnx(pipeline, contract, graph, tensors)

    broken = replace(examined("logistic"), candidate=replace(honest, margin_onnx=margin_onnx))

    assert "categories that were not seen" in examine(broken)["parity"] or "differ" in examine(broken)["parity"]


class Peeking(ClassifierMixin, BaseEstimator):
    """Scores a row by where it stands in the table."""

    def fit(self, frame: pd.DataFrame, target: np.ndarray) -> "Peeking":
        del frame
        self.classes_ = np.unique(target)
        return self

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        leaving = np.linspace(0.1, 0.4, len(frame))
        return np.column_stack([1 - leaving, leaving])


def test_a_model_that_looks_at_the_order_of_rows_fails(examined: Any) -> None:
    one = examined("logistic")
    peeking = CalibratedPipeline(Pipeline([("model", Peeking())]))
    peeking.pipeline_ = Peeking().fit(raw_frame(one.seen.columns), one.seen.target)
    peeking.calibrator_ = Line("none")

    broken = replace(one, fitted=peeking)

    with pytest.raises(AssertionError, match=r"pipeline: (a row alone has another score|the order of rows matters)"):
        battery.check_single_rows(broken)


@pytest.mark.parametrize(
    ("calibrator", "reason"),
    [(Line("sigmoid", 3.0, 0.0), "predicted|slope"), (Line("sigmoid", 1.0, 1.5), "left, and .* were predicted")],
    ids=["too sure", "shifted"],
)
def test_a_miscalibrated_model_fails(telco: Contract, calibrator: Line, reason: str) -> None:
    one = fit(CANDIDATES["logistic"], telco, customers(telco, battery.ROWS, seed=10))
    one.fitted.calibrator_ = calibrator

    with pytest.raises(AssertionError, match=reason):
        battery.check_calibration(one)
    assert "parity" not in examine(one)


def test_a_model_that_breaks_a_monotone_constraint_fails(telco: Contract) -> None:
    def build_without_constraints(recipe: Recipe) -> Pipeline:
        free = {name: column.model_copy(update={"monotone": None}) for name, column in recipe.contract.columns.items()}
        return CANDIDATES["logistic"].build(
            replace(recipe, contract=recipe.contract.model_copy(update={"columns": free}))
        )

    with pytest.raises(AssertionError, match="tenure is not monotone in the pipeline"):
        battery.check_monotone(replace(CANDIDATES["logistic"], build=build_without_constraints), telco)


def test_contributions_that_lose_the_base_fail(examined: Any) -> None:
    honest = CANDIDATES["logistic"]

    def contributions_onnx(pipeline: Any, background: pd.DataFrame, target: Any) -> Any:
        return replace(honest.contributions_onnx(pipeline, background, target), base=0.0)

    broken = replace(examined("logistic"), candidate=replace(honest, contributions_onnx=contributions_onnx))

    assert "contributions miss the margin" in examine(broken)["contributions"]


def test_a_model_that_draws_without_its_seed_fails(telco: Contract) -> None:
    drawn = np.random.default_rng(0)

    def build(recipe: Recipe) -> Pipeline:
        return CANDIDATES["logistic"].build(
            replace(recipe, parameters={**recipe.parameters, "C": float(drawn.uniform(0.1, 1))})
        )

    with pytest.raises(AssertionError, match="two fits gave two models"):
        battery.check_determinism(replace(CANDIDATES["logistic"], build=build), telco)


@pytest.mark.slow
@ALL
def test_a_million_customers_are_scored_within_four_gigabytes(telco: Contract, examined: Any, name: str) -> None:
    one: Examined = examined(name)
    many = {key: np.resize(values, 1_000_000) for key, values in customers(telco, 10_000, seed=23).columns.items()}

    of_pipeline = one.fitted.predict_proba(raw_frame(many))[:, 1]

    assert of_pipeline.shape == (1_000_000,)
    np.testing.assert_allclose(of_pipeline[:5000], one.graph_scores({k: v[:5000] for k, v in many.items()}), atol=1e-5)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 * 1024**2
