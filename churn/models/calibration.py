"""A candidate with its calibration: what training fits and the graph has to equal."""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline

from churn.errors import UsageError
from churn.features.graph import GraphBuilder
from churn.models.calibrators import METHODS, Calibrator
from churn.models.cross_fitting import (
    FEWEST_FOR_ISOTONIC,
    Splits,
    choose_method,
    cross_fit,
    log_odds_of,
    margins_of,
    out_of_fold_margins,
    stratified_splits,
)

AUTO = "auto"


class CalibratedPipeline(ClassifierMixin, BaseEstimator):
    """A pipeline whose log-odds are turned into probabilities that come true.

    Attributes:
        pipeline_: fitted on all rows.
        calibrator_: fitted on the out-of-fold log-odds of all rows that a fold tested.
        margins_: log-odds before calibration, each row by a model that never saw it; NaN where no fold tested it.
        out_of_fold_: probabilities, each row by a model and a calibrator that never saw it; NaN as above.
        brier_: cross-validated Brier score of each method that was tried.
    """

    calibrator_: Calibrator

    def __init__(self, pipeline: Pipeline, *, method: str = AUTO, folds: int = 5, seed: int = 0) -> None:
        self.pipeline = pipeline
        self.method = method
        self.folds = folds
        self.seed = seed

    def fit(self, frame: pd.DataFrame, target: np.ndarray, splits: Splits | None = None) -> Self:
        """Choose and fit the calibrator on out-of-fold log-odds, then the pipeline on all rows.

        Args:
            frame: raw columns of the contract, one row per customer.
            target: 1 for customers who left, else 0; shape (rows,).
            splits: (training rows, tested rows) per fold, by number; None: stratified folds.

        Raises:
            TableError: a class has too few rows, or a fold trains on one class alone.
            UsageError: there is no such method.
        """
        labels = np.asarray(target)
        folds = stratified_splits(labels, self.folds, seed=self.seed) if splits is None else splits
        margins, fold_of = out_of_fold_margins(self.pipeline, frame, labels, folds)
        return self.adopt(clone(self.pipeline).fit(frame, labels), margins, labels, fold_of)

    def adopt(self, fitted: Pipeline, margins: np.ndarray, target: np.ndarray, fold_of: np.ndarray) -> Self:
        """Calibrate a pipeline that is fitted already, on log-odds that were predicted out of fold.

        Args:
            fitted: on all rows.
            margins: shape (rows,); NaN where no fold tested the row.
            target: 1 for customers who left, else 0; shape (rows,).
            fold_of: number of the fold that tested each row, -1 for none; shape (rows,).
        """
        self.pipeline_, self.margins_ = fitted, margins
        self._calibrate(np.asarray(target), fold_of)
        self.classes_ = np.array([0, 1])
        return self

    def _calibrate(self, labels: np.ndarray, fold_of: np.ndarray) -> None:
        tested = np.flatnonzero(fold_of >= 0)
        log_odds, target, parts = self.margins_[tested], labels[tested], fold_of[tested]
        if len(np.unique(parts)) < 2:
            parts = self._parts(target)
        calibrated = {name: cross_fit(name, log_odds, target, parts) for name in self._methods(target)}
        chosen, self.brier_ = choose_method(calibrated, target)
        self.out_of_fold_ = np.full(len(labels), np.nan)
        self.out_of_fold_[tested] = calibrated[chosen]
        self.calibrator_ = METHODS[chosen](log_odds, target)

    def _parts(self, target: np.ndarray) -> np.ndarray:
        """A single fold's rows are divided once more, so that no calibrator is judged on rows that it was fitted on."""
        parts = np.zeros(len(target), int)
        for part, (_, rows) in enumerate(stratified_splits(target, self.folds, seed=self.seed)):
            parts[rows] = part
        return parts

    def _methods(self, target: np.ndarray) -> list[str]:
        if self.method == AUTO:
            is_enough = min(target.sum(), len(target) - target.sum()) >= FEWEST_FOR_ISOTONIC
            return [name for name in METHODS if is_enough or name != "isotonic"]
        if self.method not in METHODS:
            raise UsageError(f"there is no calibration {self.method!r}: it is {AUTO}, {', '.join(METHODS)}")
        return [self.method]

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities of staying and leaving, float64 of shape (rows, 2)."""
        leaving = self.calibrator_.probability(margins_of(self.pipeline_, frame))
        return np.column_stack([1 - leaving, leaving])

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return 1 where leaving is more likely than staying; the served threshold is the policy's."""
        return (self.predict_proba(frame)[:, 1] >= 0.5).astype(int)


def probability_onnx(fitted: CalibratedPipeline, graph: GraphBuilder, margin: str) -> str:
    """Add the calibration to a graph: tensor of probabilities, shape (rows, 1).

    The log-odds are clipped where the pipeline's are, else a small slope would let the two drift apart.
    """
    lowest, highest = log_odds_of([0.0, 1.0])
    clipped = graph.add("Clip", margin, graph.constant(lowest), graph.constant(highest))
    return fitted.calibrator_.onnx(graph, clipped)
