"""What is done about leavers being few: nothing, class weights, or made-up leavers between real ones.

Methods: SMOTE (Chawla et al., 2002) and ADASYN (He et al., 2008), by imbalanced-learn. Only rows that a model is fitted
on are ever added to; scores and probabilities are repaired by the calibration, which sees real rows alone.
"""

import logging
from typing import Any, Literal

import numpy as np
import pandas as pd
from imblearn.base import SamplerMixin
from imblearn.over_sampling import ADASYN, SMOTE
from sklearn.base import BaseEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from churn.models.candidate import Trial

log = logging.getLogger(__name__)

IMBALANCES = ("none", "weights", "smote", "adasyn")
SAMPLERS = {"smote": SMOTE, "adasyn": ADASYN}
NEIGHBOURS = 5
"""Both methods look at this many neighbours of a leaver; with fewer leavers there is nothing to look at."""

MOST_LEAVERS = 20_000
"""With more there is no lack of leavers, and the search for neighbours, quadratic in them, takes minutes."""


def suggest_imbalance(trial: Trial) -> str:
    """Search what is done about leavers being few."""
    return trial.suggest_categorical("imbalance", IMBALANCES)


def class_weight_of(name: str) -> Literal["balanced"] | None:
    """Return scikit-learn's `class_weight` of one of IMBALANCES."""
    return "balanced" if name == "weights" else None


def resample_step(name: str, seed: int) -> tuple[str, Any]:
    """Return a step between encoding and model, for imbalanced-learn's Pipeline: scikit-learn's can't resample."""
    return ("resample", Oversampler(name, seed=seed) if name in SAMPLERS else "passthrough")


class Oversampler(SamplerMixin, BaseEstimator):
    """Adds made-up rows of the smaller class to encoded numbers, until both are about as many.

    Neighbours are found with medians for missing numbers, and with every column on one scale. Real rows come first and
    are not touched. When nothing can be added the rows stay as they are, and `reason_` says why.
    """

    _sampling_type = "over-sampling"
    _parameter_constraints: dict[str, Any] = {}  # noqa: RUF012 scikit-learn reads it from the class

    def __init__(self, method: str, *, seed: int = 0) -> None:
        self.method = method
        self.seed = seed

    def fit_resample(self, features: Any, target: Any, **_: Any) -> tuple[Any, np.ndarray]:
        """Return the rows and the made-up ones after them, features of the same kind, and their target.

        Args:
            features: numbers, NaN where missing; frame or array of shape (rows, features).
            target: 1 for customers who left, else 0; shape (rows,).
        """
        labels = np.asarray(target)
        self.reason_ = _why_not(labels)
        if self.reason_ is None:
            try:
                made_up, of_made_up = self._make_up(np.asarray(features, np.float64), labels)
            except (ValueError, RuntimeError) as error:
                self.reason_ = f"{self.method} has nothing to add: {error}"
            else:
                return _append(features, made_up), np.concatenate([labels, of_made_up])
        log.info("not resampled", extra={"method": self.method, "reason": self.reason_})
        return features, labels

    def _make_up(self, features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scale = _scale().fit(features)
        neighbours = {"k_neighbors": NEIGHBOURS} if self.method == "smote" else {"n_neighbors": NEIGHBOURS}
        sampler = SAMPLERS[self.method](random_state=self.seed, **neighbours)
        resampled, of_resampled = sampler.fit_resample(scale.transform(features), labels)
        return scale["scale"].inverse_transform(resampled[len(labels) :]), of_resampled[len(labels) :]

    def _fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, np.ndarray]:  # noqa: N803 imblearn's names
        return self.fit_resample(X, y, **params)


def _scale() -> Pipeline:
    return Pipeline([("fill", SimpleImputer(strategy="median", keep_empty_features=True)), ("scale", StandardScaler())])


def _why_not(labels: np.ndarray) -> str | None:
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2:
        return "there is only one class"
    if counts.min() <= NEIGHBOURS:
        return f"the smaller class has {counts.min()} rows, and a row needs {NEIGHBOURS} neighbours of its class"
    if counts.min() > MOST_LEAVERS:
        return f"the smaller class has {counts.min()} rows already, and above {MOST_LEAVERS} none are made up"
    if counts[0] == counts[1]:
        return "both classes are equally many"
    return None


def _append(features: Any, made_up: np.ndarray) -> Any:
    if not isinstance(features, pd.DataFrame):
        return np.vstack([features, made_up]).astype(np.asarray(features).dtype)
    added = pd.DataFrame(made_up, columns=features.columns).astype(features.dtypes.to_dict())
    return pd.concat([features, added], ignore_index=True)
