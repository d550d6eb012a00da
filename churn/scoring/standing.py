"""Where a customer stands: his segment, what is at stake, what contacting him earns, and whom to call first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.retention.priority import CERTAIN, DECIMALS, PriorityScale
from churn.retention.profit import expected_profit
from churn.retention.worth import Worth, profit_line
from churn.segments.assignment import SegmentBook

CENTS = DECIMALS["expected_profit"]
FINE = DECIMALS["probability"]
Row = Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Standing:
    """One customer's place. Money is in the contract's currency; None when it has no economics.

    Attributes:
        segment: its name; None when the version has no segments.
        expected_profit: of contacting the customer.
        expected_loss: revenue at risk: probability of leaving times the customer's worth.
        priority_score: 0 … 100, the percentage of customers whom it is less worth to call; without a scale in the
            bundle the probability in percent.
    """

    segment: str | None
    expected_profit: float | None
    expected_loss: float | None
    priority_score: float | None


FIELDS = tuple(Standing.__dataclass_fields__)


class Standings:
    """Places the customers of one version."""

    def __init__(
        self,
        contract: Contract,
        segments: SegmentBook | None,
        worth: Worth | None,
        priority: PriorityScale | None = None,
    ) -> None:
        self._segments, self._worth, self._priority = segments, worth, priority
        self._economics = contract.economics
        self._line = profit_line(contract.economics) if contract.economics else None
        self._ranks_money = priority is not None and priority.measure == "expected_profit"

    def of_row(self, row: Row, probability: float) -> Standing:
        """Place one graph-ready row."""
        segment = None if self._segments is None else self._segments.names[self._segments.of_row(row)]
        if self._worth is None or self._line is None:
            return Standing(segment, None, None, self._score(None, probability))
        worth = self._worth.of_row(row)
        profit = round(self._line.at(probability, worth), CENTS)
        return Standing(segment, profit, round(probability * worth, CENTS), self._score(profit, probability))

    def of_columns(self, columns: Columns, probabilities: np.ndarray) -> list[Standing]:
        """Place graph-ready columns, row by row."""
        return list(map(Standing, *self.lists_of(columns, probabilities).values()))

    def lists_of(self, columns: Columns, probabilities: np.ndarray) -> dict[str, Sequence[Any]]:
        """Place graph-ready columns: for each field of Standing, in their order, one value per row."""
        nothing: list[None] = [None] * len(probabilities)
        segments = nothing if self._segments is None else _names(self._segments, columns)
        profits, losses = self._money(columns, probabilities) or (nothing, nothing)
        scores = self._scores(profits, probabilities)
        return dict(zip(FIELDS, (segments, profits, losses, scores), strict=True))

    def stakes(self, columns: Columns) -> tuple[np.ndarray, np.ndarray] | None:
        """Return what contacting each row earns if the customer stays, and if he leaves; None without economics.

        Profit is linear in the probability: these two, each of shape (rows,), tell all others.
        """
        if self._worth is None or self._economics is None:
            return None
        worth = self._worth.of_columns(columns)
        staying, leaving = (expected_profit(np.full(len(worth), p), worth, self._economics) for p in (0.0, 1.0))
        return staying, leaving

    def _money(self, columns: Columns, probabilities: np.ndarray) -> tuple[list[float], list[float]] | None:
        """Return expected profit and loss of each row, rounded."""
        if self._worth is None or self._economics is None:
            return None
        worth = self._worth.of_columns(columns)
        profits = expected_profit(probabilities, worth, self._economics)
        return np.round(profits, CENTS).tolist(), np.round(probabilities * worth, CENTS).tolist()

    def _score(self, profit: float | None, probability: float) -> float:
        if self._priority is None:
            return round(probability * CERTAIN * 10) / 10
        is_money = self._ranks_money and profit is not None
        return self._priority.of(profit if is_money else round(probability, FINE))  # type: ignore[arg-type]

    def _scores(self, profits: Sequence[float | None], probabilities: np.ndarray) -> list[float]:
        if self._priority is None:
            found: list[float] = (np.rint(probabilities * CERTAIN * 10) / 10).tolist()
            return found
        amounts = np.array(profits, np.float64) if self._ranks_money else np.round(probabilities, FINE)
        scores: list[float] = self._priority.of_all(amounts).tolist()
        return scores


def _names(segments: SegmentBook, columns: Columns) -> list[str]:
    names = segments.names
    return [names[number] for number in segments.of_columns(columns).tolist()]
