"""Where a customer stands: the segment that he belongs to, and what contacting him is expected to earn."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from churn.contract.contract import Contract
from churn.contract.economics import Economics
from churn.contract.table import Columns
from churn.retention.months import MonthsModel
from churn.retention.profit import customer_value, expected_profit
from churn.segments.assignment import SegmentBook

CENTS = 2
Row = Mapping[str, float | str]


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

    def __init__(self, contract: Contract, segments: SegmentBook | None, months: MonthsModel | None) -> None:
        self._segments = segments
        self._profit = _profit_of(contract.economics, months)

    def of_row(self, row: Row, probability: float) -> Standing:
        """Place one graph-ready row."""
        segment = None if self._segments is None else self._segments.names[self._segments.of_row(row)]
        profit = None if self._profit is None else round(self._profit.of_row(row, probability), CENTS)
        return Standing(segment, profit)

    def of_columns(self, columns: Columns, probabilities: np.ndarray) -> list[Standing]:
        """Place graph-ready columns, row by row."""
        rows = len(probabilities)
        segments = [None] * rows if self._segments is None else _names(self._segments, columns)
        profits = [None] * rows if self._profit is None else self._profit.of_columns(columns, probabilities)
        return [Standing(segment, profit) for segment, profit in zip(segments, profits, strict=True)]


class _Profit:
    """Expected profit of contacting a customer; of one row without numpy, whose calls cost ten times the sum.

    Profit is a sum of a constant, a part of the probability, and one of probability times worth; worth is a multiple of
    revenue (and of the expected months), or constant. The multiples are read off the functions that define them.
    """

    def __init__(self, economics: Economics, months: MonthsModel | None) -> None:
        def profit(probability: float, value: float) -> float:
            return float(expected_profit(probability, value, economics))

        self._economics, self._months = economics, months
        self._column = economics.value_column
        self._worth = float(customer_value(economics, {self._column or "": 1.0}, None if months is None else 1.0))
        self._constant = profit(0, 0)
        self._of_probability = profit(1, 0) - self._constant
        self._of_worth = profit(1, 1) - profit(1, 0)

    def of_row(self, row: Row, probability: float) -> float:
        """Return the profit of one graph-ready row, before it is rounded."""
        revenue = 1.0 if self._column is None else float(row[self._column])
        worth = self._worth * revenue if revenue > 0 else 0.0  # NaN is not above 0 either
        if self._months is not None and worth:
            worth *= self._months.expected_months_of_row(row, self._economics.horizon_months)
        return self._constant + probability * (self._of_probability + self._of_worth * worth)

    def of_columns(self, columns: Columns, probabilities: np.ndarray) -> list[float]:
        """Return the profit of each row, rounded."""
        horizon = self._economics.horizon_months
        months = None if self._months is None else self._months.expected_months(columns, horizon)
        value = customer_value(self._economics, columns, months)
        found: list[float] = np.round(expected_profit(probabilities, value, self._economics), CENTS).tolist()
        return found


def _profit_of(economics: Economics | None, months: MonthsModel | None) -> _Profit | None:
    """None: nothing is known of what customers are worth."""
    if economics is None:
        return None
    if economics.value_from == "horizon":
        return _Profit(economics, None)
    return None if months is None else _Profit(economics, months)


def _names(segments: SegmentBook, columns: Columns) -> list[str]:
    names = segments.names
    return [names[number] for number in segments.of_columns(columns).tolist()]
