"""Logistic regression: a spline per number, one weight per category, and one for a number that is missing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from churn.contract.contract import Contract
from churn.contract.monotone import monotone_signs
from churn.features.frame import DerivedColumns, number_features, text_features
from churn.features.graph import GraphBuilder
from churn.models.bounded_logistic import BoundedLogistic
from churn.models.candidate import Candidate, Contributions, Recipe, Target, Trial
from churn.models.imbalance import class_weight_of, resample_step, suggest_imbalance
from churn.models.linear_terms import mean_terms, terms_onnx
from churn.models.ramps import RAMPS, Ramps

MOST_CATEGORIES = 100
"""Per column; the rarest beyond it share one weight, which unknown values get too."""


def build(recipe: Recipe) -> Pipeline:
    """Return the unfitted pipeline: derived columns, ramps and one-hot categories, linear model."""
    imbalance = str(recipe.parameters["imbalance"])
    return Pipeline(
        [
            ("derive", DerivedColumns(recipe.contract)),
            ("encode", _encoder(recipe.contract)),
            resample_step(imbalance, recipe.seed),
            ("model", _model(recipe.contract, float(recipe.parameters["C"]), class_weight_of(imbalance))),
        ]
    )


def _encoder(contract: Contract) -> ColumnTransformer:
    numbers, texts = list(number_features(contract)), list(text_features(contract))
    ramps = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), Ramps())
    one_hot = OneHotEncoder(max_categories=MOST_CATEGORIES, handle_unknown="infrequent_if_exist")
    missing = MissingIndicator(features="all")
    return ColumnTransformer(
        [("ramps", ramps, numbers), ("missing", missing, numbers), ("categories", one_hot, texts)], sparse_threshold=0
    )


def _model(contract: Contract, strength: float, class_weight: str | None) -> LogisticRegression | BoundedLogistic:
    signs = monotone_signs(contract.columns, contract.derived)
    if not signs:
        return LogisticRegression(C=strength, class_weight=class_weight, max_iter=2000)
    per_ramp = np.repeat([signs.get(name, 0) for name in number_features(contract)], RAMPS)
    return BoundedLogistic(tuple(per_ramp.tolist()), C=strength, class_weight=class_weight)


def suggest(trial: Trial) -> dict[str, float | int | str]:
    """Search the strength of the ridge penalty."""
    return {"C": trial.suggest_float("C", 1e-3, 10.0, log=True), "imbalance": suggest_imbalance(trial)}


def margin_onnx(pipeline: Any, contract: Contract, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
    """Add the linear predictor: the sum of the features' terms, then the intercept."""
    terms = terms_onnx(pipeline, contract, (graph, tensors))
    total = graph.row_sum(terms, len(number_features(contract)) + len(text_features(contract)))
    return graph.add("Add", total, graph.constant(float(pipeline["model"].intercept_[0])))


def contributions_onnx(pipeline: Any, background: pd.DataFrame, target: Target) -> Contributions:
    """Add each feature's term less its mean: exact Shapley values of a sum (Štrumbelj and Kononenko, 2014)."""
    contract, (graph, _) = pipeline["derive"].contract, target
    usual = mean_terms(pipeline, contract, background)
    tensor = graph.add("Sub", terms_onnx(pipeline, contract, target), graph.constant(usual[None, :]))
    return Contributions(tensor, float(usual.sum() + pipeline["model"].intercept_[0]))


CANDIDATE = Candidate(
    name="logistic",
    words="logistic regression with splines",
    build=build,
    suggest=suggest,
    defaults={"C": 0.1, "imbalance": "none"},
    margin_onnx=margin_onnx,
    contributions_onnx=contributions_onnx,
    interpretability=0,
)
