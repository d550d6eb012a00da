"""Reasons in plain words: "tenure is 2 months, which raises the risk"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from churn.contract.contract import Contract
from churn.contract.phrases import Value, phrase_of, value_of

MOST_REASONS = 3
LEAST_LOG_ODDS = 0.01
"""What moves a probability by less than a quarter of a percentage point is no reason to tell."""

Effect = Literal["raises", "lowers"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One column's part in one customer's probability.

    Attributes:
        value: as a JSON client would send it; None: missing.
        log_odds: what the column adds to the log-odds of leaving; below 0 it lowers the risk.
        words: for people.
    """

    column: str
    value: Value
    effect: Effect
    log_odds: float
    words: str


class ReasonWriter:
    """Chooses and words the reasons of customers of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._names = tuple(contract.columns)
        self._kinds = {name: column.type for name, column in contract.columns.items()}
        self._phrases = {name: phrase_of(name, column) for name, column in contract.columns.items()}

    def top(self, row: Mapping[str, float | str], contributions: np.ndarray) -> tuple[Reason, ...]:
        """Return the strongest reasons of one graph-ready row, at most three, strongest first.

        Args:
            row: value per column.
            contributions: one per column, in log-odds; shape (columns,).
        """
        return self.tell(row, contributions.tolist(), strongest(contributions).tolist())

    def tell(
        self, row: Mapping[str, float | str], contributions: Sequence[float], places: Sequence[int]
    ) -> tuple[Reason, ...]:
        """Word the contributions at some places, but for those that are next to nothing."""
        told = [place for place in places if abs(contributions[place]) >= LEAST_LOG_ODDS]
        return tuple([self._reason(self._names[place], row, contributions[place]) for place in told])

    def _reason(self, name: str, row: Mapping[str, float | str], log_odds: float) -> Reason:
        value = value_of(row[name], self._kinds[name])
        effect: Effect = "raises" if log_odds > 0 else "lowers"
        words = f"{self._phrases[name](value)}, which {effect} the risk"
        return Reason(name, value, effect, log_odds, words)


def strongest(contributions: np.ndarray) -> np.ndarray:
    """Return where the three largest contributions are, strongest first, along the last axis: shape (…, 3)."""
    return np.argsort(-np.abs(contributions), axis=-1, kind="stable")[..., :MOST_REASONS]
