"""Customers whose outcome is known, with their scores and their worth: what a campaign is judged on."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from churn.contract.economics import Economics
from churn.retention.profit import realised_profit


@dataclass(frozen=True, slots=True)
class Scored:
    """Customers with scores from a model that did not see them in training.

    Attributes:
        target: 1 for customers who left, else 0; shape (rows,).
        probability: calibrated probability of leaving; shape (rows,).
        value: worth in the contract's currency, from `customer_value`; shape (rows,).
        groups: rows with the same value are one customer, shape (rows,); None: each row is its own.
    """

    target: np.ndarray
    probability: np.ndarray
    value: np.ndarray
    groups: np.ndarray | None = None

    @classmethod
    def of(
        cls, target: np.ndarray, probability: np.ndarray, value: np.ndarray, groups: np.ndarray | None = None
    ) -> Self:
        """Return the customers that were tested; those of a repeated cross-validation count once per repeat.

        Args:
            target: shape (rows,).
            probability: shape (rows,) or (repeats, rows); NaN where a row was never tested.
            value: shape (rows,).
            groups: shape (rows,).
        """
        repeats, rows = np.atleast_2d(probability).shape
        customer = np.arange(rows) if groups is None and repeats > 1 else groups
        is_tested = ~np.isnan(np.ravel(probability))
        return cls(
            target=np.tile(target, repeats)[is_tested],
            probability=np.ravel(probability)[is_tested],
            value=np.tile(value, repeats)[is_tested],
            groups=None if customer is None else np.tile(customer, repeats)[is_tested],
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.target)

    def earnings(self, economics: Economics) -> tuple[np.ndarray, np.ndarray]:
        """Return a and b, each of shape (rows,): contacting a customer earns γ · a + b, whatever γ is."""
        everybody = np.ones(len(self), bool)
        never, always = (
            realised_profit(self.target, everybody, self.value, economics, success=share) for share in (0.0, 1.0)
        )
        return always - never, never
