"""Piecewise linear splines: a number as ramps between its quantiles, level beyond the ends.

Ramps add up to the spline, so a spline whose weights have one sign only rises or only falls; scikit-learn's
SplineTransformer spans the same curves with bumps, whose weights do not say that, and refuses columns of one value.
"""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

KNOTS_AT = (0, 0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98, 1)
"""Quantiles; close ends keep one outlier from flattening the rest."""

RAMPS = len(KNOTS_AT) - 1
"""Columns per number. Equal quantiles leave some of them unused, always 0: each number has the same place then."""


class Ramps(TransformerMixin, BaseEstimator):
    """Turns each number into RAMPS columns from 0 to 1, in float32 as the graph does.

    Attributes:
        starts_: where a ramp begins, float32 of shape (numbers, RAMPS).
        widths_: how far it is to its end, 0 for one that is not used; float32 of shape (numbers, RAMPS).
        scale_: what a ramp is divided by to end at 1: its width, or 1.
    """

    def fit(self, numbers: Any, target: Any = None) -> Self:
        """Place the knots at values that occur.

        Args:
            numbers: none missing, shape (rows, numbers).
            target: not used.
        """
        del target
        values = np.asarray(numbers, np.float32)
        self.starts_ = np.zeros((values.shape[1], RAMPS), np.float32)
        self.widths_ = np.zeros_like(self.starts_)
        for number, column in enumerate(values.T):
            knots = np.unique(np.quantile(column, KNOTS_AT, method="inverted_cdf"))
            self.starts_[number, : len(knots) - 1] = knots[:-1]
            self.widths_[number, : len(knots) - 1] = np.diff(knots)
        self.scale_ = np.where(self.widths_ > 0, self.widths_, np.float32(1))
        return self

    def transform(self, numbers: Any) -> np.ndarray:
        """Return the ramps of each number side by side, float32 of shape (rows, numbers · RAMPS)."""
        values = np.asarray(numbers, np.float32)[:, :, None]
        risen = np.minimum(np.maximum(values - self.starts_, np.float32(0)), self.widths_) / self.scale_
        return np.asarray(risen.reshape(len(values), -1), np.float32)
