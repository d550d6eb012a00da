"""What a user would pick instead: libraries with their own defaults, on the raw columns of the contract."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

Contestant = Callable[[pd.DataFrame, np.ndarray, pd.DataFrame], np.ndarray]
"""(training frame, its labels, test frame) → probabilities of leaving, shape (test rows,)."""


@dataclass(frozen=True, slots=True)
class OfFold:
    """What a contestant says of the tested rows, and the seconds it took to be fitted and to say so."""

    scores: np.ndarray
    seconds: float


def logistic(train: pd.DataFrame, labels: np.ndarray, test: pd.DataFrame) -> np.ndarray:
    model = make_pipeline(_encoder(scale=True), LogisticRegression(max_iter=2000))
    return _fit(model, train, labels, test)


def random_forest(train: pd.DataFrame, labels: np.ndarray, test: pd.DataFrame) -> np.ndarray:
    return _fit(make_pipeline(_encoder(), RandomForestClassifier(random_state=0)), train, labels, test)


def lightgbm(train: pd.DataFrame, labels: np.ndarray, test: pd.DataFrame) -> np.ndarray:
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(random_state=0, n_jobs=1, verbose=-1)
    known = _as_categories(train, train)
    return np.asarray(model.fit(known, labels).predict_proba(_as_categories(test, known))[:, 1])


def xgboost(train: pd.DataFrame, labels: np.ndarray, test: pd.DataFrame) -> np.ndarray:
    from xgboost import XGBClassifier

    model = XGBClassifier(random_state=0, n_jobs=1, enable_categorical=True)
    known = _as_categories(train, train)
    return np.asarray(model.fit(known, labels).predict_proba(_as_categories(test, known))[:, 1])


def catboost(train: pd.DataFrame, labels: np.ndarray, test: pd.DataFrame) -> np.ndarray:
    from catboost import CatBoostClassifier

    texts = [name for name in train if train[name].dtype == object]
    model = CatBoostClassifier(
        random_seed=0, thread_count=1, verbose=False, allow_writing_files=False, cat_features=texts
    )
    return np.asarray(model.fit(train, labels).predict_proba(test)[:, 1])


def extra_trees(train: pd.DataFrame, labels: np.ndarray, test: pd.DataFrame) -> np.ndarray:
    return _fit(make_pipeline(_encoder(), ExtraTreesClassifier(random_state=0)), train, labels, test)


PLAIN: dict[str, Contestant] = {
    "logistic regression, scikit-learn's defaults": logistic,
    "random forest, scikit-learn's defaults": random_forest,
    "LightGBM's defaults, its own categories": lightgbm,
    "XGBoost's defaults, its own categories": xgboost,
    "CatBoost's defaults, its own categories": catboost,
}
AVERAGED = "mean of these five and extra trees (AutoML-style averaging)"


def all_plain(train: pd.DataFrame, labels: np.ndarray, test: pd.DataFrame) -> dict[str, OfFold]:
    """Fit every contestant once, and their mean: what AutoGluon's `medium_quality` begins with, untuned."""
    found = {name: timed(contestant, train, labels, test) for name, contestant in PLAIN.items()}
    return {**found, AVERAGED: mean_of([*found.values(), timed(extra_trees, train, labels, test)])}


def alone(column: str) -> Contestant:
    """Return the contestant that looks at one number only; its score rises or falls with it."""

    def score(train: pd.DataFrame, labels: np.ndarray, test: pd.DataFrame) -> np.ndarray:
        return logistic(train[[column]], labels, test[[column]])

    return score


def timed(contestant: Contestant, train: pd.DataFrame, labels: np.ndarray, test: pd.DataFrame) -> OfFold:
    started = perf_counter()
    return OfFold(contestant(train, labels, test), perf_counter() - started)


def mean_of(members: list[OfFold]) -> OfFold:
    return OfFold(np.mean([one.scores for one in members], axis=0), sum(one.seconds for one in members))


def _encoder(*, scale: bool = False) -> Pipeline:
    steps = [SimpleImputer(strategy="median", keep_empty_features=True), *([StandardScaler()] if scale else [])]
    return make_column_transformer(
        (make_pipeline(*steps), make_column_selector(dtype_exclude=object)),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include=object)),
    )


def _as_categories(frame: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Categories that the training frame does not hold are missing, as both libraries want it."""
    made = {}
    for name, column in frame.items():
        if column.dtype == object:
            made[name] = pd.Categorical(column, categories=sorted(set(known[name])))
        elif isinstance(known[name].dtype, pd.CategoricalDtype):
            made[name] = pd.Categorical(column, categories=known[name].cat.categories)
        else:
            made[name] = column
    return pd.DataFrame(made, index=frame.index)


def _fit(model: ClassifierMixin, train: pd.DataFrame, labels: np.ndarray, test: pd.DataFrame) -> np.ndarray:
    return np.asarray(model.fit(train, labels).predict_proba(test)[:, 1])
