"""A candidate with its calibration: what training fits and the graph has to equal.

Method: Platt scaling of log-odds that were predicted out of fold, so that the calibrator never sees rows that the
model was fitted on (Platt, "Probabilistic outputs for support vector machines", 1999). It is smooth, which keeps
float32 noise small; isotonic steps amplify it.
"""

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline

from churn.features.graph import GraphBuilder

SMALLEST = 1e-12


class CalibratedPipeline(ClassifierMixin, BaseEstimator):
    """A pipeline whose log-odds are rescaled: probability = 1 / (1 + exp(-(slope · log-odds + intercept)))."""

    def __init__(self, pipeline: Pipeline, *, folds: int = 5, seed: int = 0) -> None:
        self.pipeline = pipeline
        self.folds = folds
        self.seed = seed

    def fit(self, frame: pd.DataFrame, target: np.ndarray) -> Self:
        """Fit the calibrator on out-of-fold log-odds, then the pipeline on all rows.

        Args:
            frame: raw columns of the contract, one row per customer.
            target: 1 for customers who left, else 0; shape (rows,).
        """
        splitter = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        held_out = cross_val_predict(clone(self.pipeline), frame, target, cv=splitter, method="predict_proba")[:, 1]
        platt = LogisticRegression(C=1e6).fit(_log_odds(held_out)[:, None], target)
        self.slope_, self.intercept_ = float(platt.coef_[0, 0]), float(platt.intercept_[0])
        self.out_of_fold_ = expit(self.slope_ * _log_odds(held_out) + self.intercept_)
        self.pipeline_ = clone(self.pipeline).fit(frame, target)
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities of staying and leaving, float64 of shape (rows, 2)."""
        log_odds = _log_odds(self.pipeline_.predict_proba(frame)[:, 1])
        leaving = expit(self.slope_ * log_odds + self.intercept_)
        return np.column_stack([1 - leaving, leaving])

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return 1 where leaving is more likely than staying; the served threshold is the policy's."""
        return (self.predict_proba(frame)[:, 1] >= 0.5).astype(int)


def probability_onnx(fitted: CalibratedPipeline, graph: GraphBuilder, margin: str) -> str:
    """Add the calibration to a graph: tensor of probabilities, shape (rows, 1).

    The log-odds are clipped where the pipeline's are, else a small slope would let the two drift apart.
    """
    lowest, highest = _log_odds([0.0, 1.0])
    clipped = graph.add("Clip", margin, graph.constant(lowest), graph.constant(highest))
    scaled = graph.add("Mul", clipped, graph.constant(fitted.slope_))
    return graph.add("Sigmoid", graph.add("Add", scaled, graph.constant(fitted.intercept_)))


def _log_odds(probability: Any) -> np.ndarray:
    return np.asarray(logit(np.clip(probability, SMALLEST, 1 - SMALLEST)), np.float64)
