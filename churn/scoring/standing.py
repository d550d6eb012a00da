"""Where a customer stands: the segment that he belongs to, and what contacting him is expected to earn."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from churn.contract.contract import Contract
from churn.contract.economics import Economics
from churn.retention.profit import customer_value, expected_profit
from churn.segments.assignment import SegmentBook

CENTS = 2


@dataclass(frozen=True, slots=True)
class Standing:
    """One customer's place.

    Attributes:
        segment: its name; None when the version has no segments.
        expected_profit: of contacting the customer, in the contract's currency; None when it has no economics.
    """

    segment: str | None
    expected_profit: float | None


class Standings:
    """Places the customers of one version."""

    def __init__(self, contract: Contract, book: SegmentBook | None) -> None:
        self._book = book
        self._economics = _usable(contract.economics)
        self._profit = None if self._economics is None else _Profit(self._economics)

    def of_row(self, row: Mapping[str, float | str], probability: float) -> Standing:
        """Place one graph-ready row."""
        segment = None if self._book is None else self._book.names[self._book.of_row(row)]
        profit = None if self._profit is None else round(self._profit.of_row(row, probability), CENTS)
        return Standing(segment, profit)

    def of_columns(self, columns: Mapping[str, np.ndarray], probabilities: np.ndarray) -> list[Standing]:
        """Place graph-ready columns, row by row."""
        segments = self._segments(columns, len(probabilities))
        profits = self._profits(columns, probabilities)
        return [Standing(segment, profit) for segment, profit in zip(segments, profits, strict=True)]

    def _segments(self, columns: Mapping[str, np.ndarray], rows: int) -> list[str] | list[None]:
        if self._book is None:
            return [None] * rows
        names = self._book.names
        return [names[number] for number in self._book.of_columns(dict(columns)).tolist()]

    def _profits(self, columns: Mapping[str, np.ndarray], probabilities: np.ndarray) -> list[float] | list[None]:
        if self._economics is None:
            return [None] * len(probabilities)
        value = customer_value(self._economics, columns)
        found: list[float] = np.round(expected_profit(probabilities, value, self._economics), CENTS).tolist()
        return found


class _Profit:
    """Expected profit of one row without numpy, whose calls cost ten times the sum: 2 µs instead of 20.

    Profit is a sum of a constant, a part of the probability, and one of probability times worth; worth is a multiple of
    the revenue, or constant. The multiples are read off the functions that define them.
    """

    def __init__(self, economics: Economics) -> None:
        def profit(probability: float, value: float) -> float:
            return float(expected_profit(probability, value, economics))

        self._column = economics.value_column
        self._worth = float(customer_value(economics, {self._column or "": 1.0}))
        self._constant = profit(0, 0)
        self._of_probability = profit(1, 0) - self._constant
        self._of_worth = profit(1, 1) - profit(1, 0)

    def of_row(self, row: Mapping[str, float | str], probability: float) -> float:
        """Return the profit of one graph-ready row, before it is rounded."""
        revenue = 1.0 if self._column is None else float(row[self._column])
        worth = self._worth * revenue if revenue > 0 else 0.0  # NaN is not above 0 either
        return self._constant + probability * (self._of_probability + self._of_worth * worth)


def _usable(economics: Economics | None) -> Economics | None:
    """Worth that comes from survival needs each customer's expected months, which a bundle does not carry yet."""
    return None if economics is None or economics.value_from == "survival" else economics
