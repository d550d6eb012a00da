"""The weighted mean of several candidates' log-odds, weighed by what each adds out of fold.

Method: Wolpert, "Stacked generalization", 1992, with weights that are never negative (Breiman, "Stacked regressions",
1996) and are drawn towards being equal.
"""

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline

from churn.models.cross_fitting import margins_of, out_of_fold_margins, stratified_splits

SMALLEST_WEIGHT = 0.02
"""A member below it costs time and changes nothing."""


class StackedPipelines(ClassifierMixin, BaseEstimator):
    """Log-odds = Σ weight · a member's log-odds.

    Args:
        members: name and unfitted pipeline of each.
        shrinkage: 0 trusts the weights that fit best, 1 and more draws them close to equal.

    Attributes:
        members_: the pipelines, fitted on all rows.
        weights_: one per member, 0 or more; their sum is 1 or nearly so.
    """

    def __init__(
        self,
        members: Sequence[tuple[str, Pipeline]],
        *,
        shrinkage: float = 0.03,
        folds: int = 3,
        seed: int = 0,
    ) -> None:
        self.members = members
        self.shrinkage = shrinkage
        self.folds = folds
        self.seed = seed

    def fit(self, frame: pd.DataFrame, target: np.ndarray) -> Self:
        """Find the weights on log-odds out of fold, then fit every member on all rows.

        Args:
            frame: raw columns of the contract, one row per customer.
            target: 1 for customers who left, else 0; shape (rows,).

        Raises:
            TableError: a class has fewer than two rows.
        """
        labels = np.asarray(target)
        splits = stratified_splits(labels, self.folds, seed=self.seed)
        held_out = [out_of_fold_margins(pipeline, frame, labels, splits)[0] for _, pipeline in self.members]
        self.weights_ = fit_weights(np.column_stack(held_out), labels, shrinkage=self.shrinkage)
        self.members_ = [clone(pipeline).fit(frame, labels) for _, pipeline in self.members]
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return probabilities of staying and leaving, float64 of shape (rows, 2)."""
        weighed = [weight * margins_of(member, frame) for _, weight, member in self.weighed_members()]
        leaving = expit(np.sum(weighed, axis=0))
        return np.column_stack([1 - leaving, leaving])

    def weighed_members(self) -> Iterator[tuple[str, float, Pipeline]]:
        """Name, weight and fitted pipeline of the members that have a weight."""
        for (name, _), weight, member in zip(self.members, self.weights_, self.members_, strict=True):
            if weight:
                yield name, float(weight), member


def fit_weights(log_odds: np.ndarray, target: np.ndarray, *, shrinkage: float) -> np.ndarray:
    """Return weights of shape (members,) that minimise the log loss, drawn towards being equal.

    A free intercept keeps members that were fitted on other class weights from being weighed for their level; it is
    dropped, because the calibration finds the level.

    Args:
        log_odds: out of fold, shape (rows, members).
        target: shape (rows,).
        shrinkage: strength of the penalty on squared distances from 1 / members.
    """
    members = log_odds.shape[1]
    equal = np.full(members, 1 / members)

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        apart, margin = values[:-1] - equal, log_odds @ values[:-1] + values[-1]
        residual = (expit(margin) - target) / len(target)
        value = np.mean(np.logaddexp(0, margin) - target * margin) + shrinkage * apart @ apart
        return float(value), np.append(log_odds.T @ residual + 2 * shrinkage * apart, residual.sum())

    bounds: list[tuple[float | None, float | None]] = [*[(0.0, None)] * members, (None, None)]
    found = minimize(loss, np.append(equal, 0.0), method="L-BFGS-B", jac=True, bounds=bounds).x[:-1]
    kept = np.where(found >= SMALLEST_WEIGHT, found, 0.0)
    return kept if kept.any() else equal
