"""A candidate with known reasons: a formula without interactions, so that each term is its contribution."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.features.frame import DerivedColumns, number_features, raw_frame, text_features
from churn.features.graph import GraphBuilder
from churn.models.calibration import CalibratedPipeline
from churn.models.candidate import Candidate, Contributions, Recipe, Target
from tests.bundles import random_target

BASE = -0.7


class Formula(ClassifierMixin, BaseEstimator):
    """Log-odds = BASE + 0.02 · every number + 0.3 · the position of every category. Nothing is learned."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract

    def fit(self, frame: pd.DataFrame, target: np.ndarray) -> Self:
        del frame
        self.classes_ = np.unique(target)
        return self

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        leaving = 1 / (1 + np.exp(-(BASE + terms(self.contract, frame).sum(axis=1))))
        return np.column_stack([1 - leaving, leaving])

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return (self.predict_proba(frame)[:, 1] >= 0.5).astype(int)


def terms(contract: Contract, frame: pd.DataFrame) -> np.ndarray:
    """The term of each feature, shape (rows, features)."""
    numbers = [np.nan_to_num(frame[name].to_numpy(np.float64)) * 0.02 for name in number_features(contract)]
    texts = [frame[name].map(positions(contract, name)).fillna(-0.5).to_numpy() for name in text_features(contract)]
    return np.column_stack([*numbers, *texts])


def positions(contract: Contract, name: str) -> dict[str, float]:
    return {text: 0.3 * position for position, text in enumerate(contract.columns[name].categories)}


def build(recipe: Recipe) -> Pipeline:
    return Pipeline([("derive", DerivedColumns(recipe.contract)), ("model", Formula(recipe.contract))])


def _terms(contract: Contract, target: Target) -> list[str]:
    graph, tensors = target
    numbers = [
        graph.add("Mul", graph.where_missing(tensors[name], 0.0), graph.constant(0.02))
        for name in number_features(contract)
    ]
    texts = [graph.lookup(tensors[name], positions(contract, name), -0.5) for name in text_features(contract)]
    return [*numbers, *texts]


def margin_onnx(pipeline: Any, contract: Contract, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
    del pipeline
    return graph.total([*_terms(contract, (graph, tensors)), graph.constant(BASE)])


def contributions_onnx(pipeline: Any, background: pd.DataFrame, target: Target) -> Contributions:
    del background
    return Contributions(target[0].add("Concat", *_terms(pipeline["model"].contract, target), axis=1), BASE)


TOY = Candidate(
    name="toy",
    words="a formula",
    build=build,
    suggest=lambda _: {},
    defaults={},
    margin_onnx=margin_onnx,
    contributions_onnx=contributions_onnx,
    interpretability=0,
)


def fitted_toy(contract: Contract, columns: Columns) -> CalibratedPipeline:
    """The formula with a calibration that was fitted on a random target."""
    return CalibratedPipeline(build(Recipe(contract, {})), folds=3).fit(
        raw_frame(columns), random_target(columns, seed=0)
    )
