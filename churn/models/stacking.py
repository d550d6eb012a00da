"""A stack of models that are fitted already: nothing is fitted again but the weights.

The weights of a row's stack are learned from the other folds' rows alone, as calibration is. The members of those rows
have seen the row; four weights from thousands of rows can't tell it (as the ensembles of AutoML libraries do it).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from churn.models.calibration import CalibratedPipeline
from churn.models.cross_fitting import Splits
from churn.models.stacked_pipelines import StackedPipelines, fit_weights


def stack_fitted(
    unfitted: Pipeline, members: Mapping[str, CalibratedPipeline], target: np.ndarray, splits: Splits
) -> CalibratedPipeline:
    """Stack fitted members, and calibrate the stack.

    Args:
        unfitted: what the stack's candidate builds for these members, in this order.
        members: fitted on the same rows and splits.
        target: 1 for customers who left, else 0; shape (rows,).
        splits: those that the members were fitted with.
    """
    model: StackedPipelines = clone(unfitted["model"])
    margins = np.column_stack([one.margins_ for one in members.values()])
    fold_of = _fold_of(splits, len(target))
    is_tested, labels = fold_of >= 0, np.asarray(target)
    held_out = np.full(len(labels), np.nan)
    for fold in range(len(splits)):
        others = is_tested & (fold_of != fold) if len(splits) > 1 else is_tested
        weights = fit_weights(margins[others], labels[others], shrinkage=model.shrinkage)
        held_out[fold_of == fold] = margins[fold_of == fold] @ weights
    model.weights_ = fit_weights(margins[is_tested], labels[is_tested], shrinkage=model.shrinkage)
    model.members_ = [one.pipeline_ for one in members.values()]
    model.classes_ = np.array([0, 1])
    return CalibratedPipeline(unfitted).adopt(Pipeline([("model", model)]), held_out, labels, fold_of)


def _fold_of(splits: Sequence[tuple[np.ndarray, np.ndarray]], rows: int) -> np.ndarray:
    fold_of = np.full(rows, -1)
    for fold, (_, tested) in enumerate(splits):
        fold_of[tested] = fold
    return fold_of
