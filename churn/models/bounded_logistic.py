"""Ridge logistic regression whose weights may be held at or above, or at or below, zero."""

from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight

from churn.errors import ChurnError

BOUNDS: dict[int, tuple[float | None, float | None]] = {0: (None, None), 1: (0, None), -1: (None, 0)}
OPTIONS = {"maxiter": 2000, "maxfun": 5000}


class BoundedLogistic(ClassifierMixin, BaseEstimator):
    """scikit-learn's LogisticRegression has no bounds; the objective and the names are the same here.

    Args:
        signs: +1, -1 or 0 (free) for the first columns; the others are free.
        C: strength of the data against the ridge penalty.
        class_weight: "balanced", or None.
    """

    def __init__(self, signs: tuple[int, ...], *, C: float = 1.0, class_weight: str | None = None) -> None:  # noqa: N803 scikit-learn's name
        self.signs = signs
        self.C = C
        self.class_weight = class_weight

    def fit(self, features: Any, target: Any) -> Self:
        """Minimise C · log loss + half the squared weights by L-BFGS-B.

        Raises:
            ChurnError: it does not converge.
        """
        matrix, labels = np.asarray(features, np.float64), np.asarray(target)
        counts = compute_sample_weight(self.class_weight, labels) * self.C
        start = np.zeros(matrix.shape[1] + 1)
        bounds = [BOUNDS[sign] for sign in self.signs] + [BOUNDS[0]] * (len(start) - len(self.signs))
        found = minimize(_loss, start, (matrix, labels, counts), "L-BFGS-B", jac=True, bounds=bounds, options=OPTIONS)
        if not found.success:
            raise ChurnError(f"the logistic regression did not converge ({found.message}): lower C, now {self.C:g}")
        self.coef_, self.intercept_ = found.x[None, :-1], found.x[-1:]
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, features: Any) -> np.ndarray:
        """Return probabilities of staying and leaving, float64 of shape (rows, 2)."""
        margin = np.asarray(features, np.float64) @ self.coef_[0] + self.intercept_[0]
        return np.column_stack([expit(-margin), expit(margin)])


def _loss(weights: np.ndarray, matrix: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> tuple[float, np.ndarray]:
    margin = matrix @ weights[:-1] + weights[-1]
    loss = counts @ (np.logaddexp(0, margin) - labels * margin) + weights[:-1] @ weights[:-1] / 2
    residual = counts * (expit(margin) - labels)
    return float(loss), np.append(matrix.T @ residual + weights[:-1], residual.sum())
