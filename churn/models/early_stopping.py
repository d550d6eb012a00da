"""Boosted trees that find their own number of rounds on a share of the rows that they are fitted on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_sample_weight

from churn.models.imbalance import resample_step
from churn.models.trees import Trees

VALIDATION_SHARE = 0.2
FEWEST_LEAVERS = 10
"""With fewer customers of a class to validate on, where to stop is chance: all rounds are taken."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a model is fitted or validated on.

    Attributes:
        features: float32 of shape (rows, features), NaN where missing.
        target: 1 for customers who left, else 0; shape (rows,).
        weights: of each row, shape (rows,).
    """

    features: np.ndarray
    target: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True, slots=True)
class Library:
    """What one library of boosted trees does its own way.

    Attributes:
        rounds: name of the parameter that holds the number of trees.
        best_rounds: (unfitted model, rows to fit on, rows to validate on, patience in rounds) → number of trees.
        margin: (fitted model, features) → log-odds, shape (rows,).
        trees_of: fitted model → its trees.
    """

    rounds: str
    best_rounds: Callable[[Any, Rows, Rows, int], int]
    margin: Callable[[Any, np.ndarray], np.ndarray]
    trees_of: Callable[[Any], Trees]


class EarlyStopped(ClassifierMixin, BaseEstimator):
    """Splits off a validation share, finds the best number of rounds, and fits that number on all rows.

    Whoever fits this on training folds alone never shows it a test fold. Made-up rows stay out of the validation share.
    Features are rounded to float32, so that a tree never sees a value that the graph does not see.
    """

    def __init__(
        self, model: Any, library: Library, *, imbalance: str = "none", patience: int = 40, seed: int = 0
    ) -> None:
        self.model = model
        self.library = library
        self.imbalance = imbalance
        self.patience = patience
        self.seed = seed

    def fit(self, features: Any, target: Any) -> Self:
        """Fit on features of shape (rows, features), NaN where missing, and 1 for customers who left, else 0."""
        found, labels = np.asarray(features, np.float32), np.asarray(target).astype(int)
        self.rounds_ = self._best_rounds(found, labels)
        model = clone(self.model).set_params(**{self.library.rounds: self.rounds_})
        rows = self._resampled(found, labels)
        self.model_ = model.fit(rows.features, rows.target, sample_weight=rows.weights)
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, features: Any) -> np.ndarray:
        """Return probabilities of staying and leaving, float64 of shape (rows, 2)."""
        margin = self.library.margin(self.model_, np.asarray(features, np.float32))
        leaving = expit(np.asarray(margin, np.float64))
        return np.column_stack([1 - leaving, leaving])

    def predict(self, features: Any) -> np.ndarray:
        """Return 1 where leaving is more likely than staying."""
        return (self.predict_proba(features)[:, 1] >= 0.5).astype(int)

    @property
    def trees(self) -> Trees:
        """The fitted trees."""
        return self.library.trees_of(self.model_)

    def _best_rounds(self, features: np.ndarray, labels: np.ndarray) -> int:
        most = int(self.model.get_params()[self.library.rounds])
        if np.bincount(labels, minlength=2).min() * VALIDATION_SHARE < FEWEST_LEAVERS:
            return most
        split = train_test_split(features, labels, test_size=VALIDATION_SHARE, stratify=labels, random_state=self.seed)
        fitting, validating = self._resampled(split[0], split[2]), self._weighted(split[1], split[3])
        return max(1, self.library.best_rounds(clone(self.model), fitting, validating, self.patience))

    def _resampled(self, features: np.ndarray, labels: np.ndarray) -> Rows:
        _, sampler = resample_step(self.imbalance, self.seed)
        if sampler == "passthrough":
            return self._weighted(features, labels)
        more, of_more = sampler.fit_resample(features, labels)
        return Rows(more, of_more, np.ones(len(of_more)))

    def _weighted(self, features: np.ndarray, labels: np.ndarray) -> Rows:
        """Weigh both classes alike when the model was told that they are: else its loss says to stop at once."""
        is_even = self.imbalance != "none"
        return Rows(features, labels, compute_sample_weight("balanced" if is_even else None, labels))
