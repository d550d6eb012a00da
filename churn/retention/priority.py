"""Priority: whom to call first, as a rank among the customers that the model was made from. numpy and pydantic only."""

from bisect import bisect_right
from functools import cached_property
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

STEPS = 100
CERTAIN = 100.0
DECIMALS = {"expected_profit": 2, "probability": 6}
"""Amounts are compared rounded, so that the last bits of a float do not part customers who are equal."""


class PriorityScale(BaseModel):
    """The quantiles of what customers are ranked by: `priority.json` of a bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    measure: Literal["expected_profit", "probability"]
    """expected_profit: of contacting the customer; probability: of leaving, when nothing is known of money."""

    quantiles: tuple[float, ...] = Field(min_length=2)
    """From the least to the largest amount, evenly spaced in shares of customers."""

    @model_validator(mode="after")
    def _ascends(self) -> "PriorityScale":
        if list(self.quantiles) != sorted(self.quantiles):
            raise ValueError("`quantiles` must ascend")
        return self

    def of(self, amount: float) -> float:
        """Return the score of one amount, 0 … 100: the percentage of customers with a smaller one."""
        amounts, scores = self._line
        place = bisect_right(amounts, amount)
        if place in (0, len(amounts)):
            return _rounded(scores[0] if place == 0 else scores[-1])
        left, low = amounts[place - 1], scores[place - 1]
        slope = (scores[place] - low) / (amounts[place] - left)  # in the order of np.interp, for equal bits
        return _rounded(slope * (amount - left) + low)

    def of_all(self, amounts: np.ndarray) -> np.ndarray:
        """Return the score of each amount, float64 of the same shape."""
        return np.asarray(np.rint(np.interp(amounts, *self._line) * 10) / 10)

    @cached_property
    def _line(self) -> tuple[list[float], list[float]]:
        """Distinct amounts, and the middle of the ranks of those who share one."""
        amounts, first, times = np.unique(np.array(self.quantiles), return_index=True, return_counts=True)
        ranks = (first + (times - 1) / 2) * (CERTAIN / (len(self.quantiles) - 1))
        return amounts.tolist(), ranks.tolist()


def scale_of(measure: Literal["expected_profit", "probability"], amounts: np.ndarray) -> PriorityScale:
    """Measure the scale on a sample of customers."""
    quantiles = np.quantile(np.round(amounts, DECIMALS[measure]), np.linspace(0, 1, STEPS + 1))
    return PriorityScale(measure=measure, quantiles=tuple(np.round(quantiles, DECIMALS[measure]).tolist()))


def _rounded(score: float) -> float:
    return round(score * 10) / 10
