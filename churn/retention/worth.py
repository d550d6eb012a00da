"""Worth and profit of one customer without numpy, whose calls cost ten times the sum.

Both are linear. Worth is a multiple of revenue (and of the expected months), or constant; profit is a sum of a
constant, a part of the probability, and one of probability times worth. The multiples are read off the functions that
define them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from churn.contract.economics import Economics
from churn.contract.table import Columns
from churn.retention.months import MonthsModel
from churn.retention.profit import customer_value, expected_profit

Row = Mapping[str, float | str]


class Worth:
    """What customers are worth over the horizon; `worth_of` makes it."""

    def __init__(self, economics: Economics, months: MonthsModel | None) -> None:
        self._economics, self._months = economics, months
        self._column = economics.value_column
        self._multiple = float(customer_value(economics, {self._column or "": 1.0}, None if months is None else 1.0))

    def of_row(self, row: Row) -> float:
        """Return the worth of one graph-ready row."""
        revenue = 1.0 if self._column is None else float(row[self._column])
        worth = self._multiple * revenue if revenue > 0 else 0.0  # NaN is not above 0 either
        if self._months is not None and worth:
            worth *= self._months.expected_months_of_row(row, self._economics.horizon_months)
        return worth

    def of_columns(self, columns: Columns) -> np.ndarray:
        """Return the worth of each row of graph-ready columns, float64 of shape (rows,)."""
        horizon = self._economics.horizon_months
        months = None if self._months is None else self._months.expected_months(columns, horizon)
        return customer_value(self._economics, columns, months)


def worth_of(economics: Economics | None, months: MonthsModel | None) -> Worth | None:
    """Return what knows the worth of customers; None: nothing is known of it."""
    if economics is None:
        return None
    if economics.value_from == "horizon":
        return Worth(economics, None)
    return None if months is None else Worth(economics, months)


@dataclass(frozen=True, slots=True)
class ProfitLine:
    """Expected profit of contacting one customer."""

    constant: float
    of_probability: float
    of_worth: float

    def at(self, probability: float, worth: float) -> float:
        """Return the profit, as `expected_profit` does."""
        return self.constant + probability * (self.of_probability + self.of_worth * worth)


def profit_line(economics: Economics, success: float | None = None) -> ProfitLine:
    """Return the line of some economics; `success` as in `expected_profit`."""

    def profit(probability: float, value: float) -> float:
        return float(expected_profit(probability, value, economics, success))

    constant = profit(0, 0)
    return ProfitLine(constant, profit(1, 0) - constant, profit(1, 1) - profit(1, 0))
