"""Logistic regression: medians for missing numbers, with an indicator; one weight per category."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from churn.contract.contract import Contract
from churn.features.frame import DerivedColumns, number_features, text_features
from churn.features.graph import GraphBuilder
from churn.models.candidate import Candidate, Contributions, Recipe, Target, Trial


def build(recipe: Recipe) -> Pipeline:
    """Return the unfitted pipeline: derived columns, scaled numbers and one-hot categories, linear model."""
    contract = recipe.contract
    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    columns = ColumnTransformer(
        [
            ("numbers", numbers, list(number_features(contract))),
            ("categories", OneHotEncoder(handle_unknown="ignore"), list(text_features(contract))),
        ],
        sparse_threshold=0,
    )
    model = LogisticRegression(C=float(recipe.parameters["C"]), max_iter=2000, random_state=recipe.seed)
    return Pipeline([("derive", DerivedColumns(contract)), ("encode", columns), ("model", model)])


def suggest(trial: Trial) -> dict[str, float | int | str]:
    """Search the strength of the ridge penalty."""
    return {"C": trial.suggest_float("C", 1e-3, 10.0, log=True)}


def margin_onnx(pipeline: Any, contract: Contract, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
    """Add the linear predictor: a scaled number or a looked-up weight per feature, then the intercept.

    A one-hot category times its weight is its weight, so a look-up replaces the wide matrix.
    """
    weights = pipeline["model"].coef_[0]
    names = number_features(contract)
    terms = _number_terms(pipeline["encode"], names, weights[: len(names)], (graph, tensors))
    terms += _category_terms(pipeline["encode"], contract, weights[len(names) :], (graph, tensors))
    return graph.total([*terms, graph.constant(float(pipeline["model"].intercept_[0]))])


def _number_terms(
    encode: ColumnTransformer,
    names: tuple[str, ...],
    weights: np.ndarray,
    target: tuple[GraphBuilder, Mapping[str, str]],
) -> list[str]:
    graph, tensors = target
    if not names:
        return []
    steps = encode.named_transformers_["numbers"]
    medians, scaler = steps["simpleimputer"].statistics_, steps["standardscaler"]
    terms = []
    for name, median, mean, scale, weight in zip(names, medians, scaler.mean_, scaler.scale_, weights, strict=True):
        filled = graph.where_missing(tensors[name], float(median))
        centred = graph.add("Sub", filled, graph.constant(float(mean)))
        terms.append(graph.add("Mul", centred, graph.constant(float(weight / scale))))
    return terms


def _category_terms(
    encode: ColumnTransformer, contract: Contract, weights: np.ndarray, target: tuple[GraphBuilder, Mapping[str, str]]
) -> list[str]:
    graph, tensors = target
    names = text_features(contract)
    if not names:
        return []
    terms, start = [], 0
    for name, categories in zip(names, encode.named_transformers_["categories"].categories_, strict=True):
        own = weights[start : start + len(categories)]
        table = {str(category): float(weight) for category, weight in zip(categories, own, strict=True)}
        terms.append(graph.lookup(tensors[name], table, 0.0))
        start += len(categories)
    return terms


def contributions_onnx(pipeline: Any, background: pd.DataFrame, target: Target) -> Contributions:
    """Not there yet."""
    raise NotImplementedError


CANDIDATE = Candidate(
    name="logistic",
    words="logistic regression",
    build=build,
    suggest=suggest,
    defaults={"C": 0.1},
    margin_onnx=margin_onnx,
    contributions_onnx=contributions_onnx,
    interpretability=0,
)
