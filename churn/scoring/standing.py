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

    def of_row(self, row: Mapping[str, float | str], probability: float) -> Standing:
        """Place one graph-ready row."""
        segment = None if self._book is None else self._book.names[self._book.of_row(row)]
        if self._economics is None:
            return Standing(segment, None)
        value = customer_value(self._economics, row)
        return Standing(segment, round(float(expected_profit(probability, value, self._economics)), CENTS))

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


def _usable(economics: Economics | None) -> Economics | None:
    """Worth that comes from survival needs each customer's expected months, which a bundle does not carry yet."""
    return None if economics is None or economics.value_from == "survival" else economics
