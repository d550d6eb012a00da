"""Reasons in plain words: "tenure is 2 months, which raises the risk"."""

from collections.abc import Mapping
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
        strongest = np.argsort(-np.abs(contributions), kind="stable")[:MOST_REASONS]
        found = ((self._names[position], float(contributions[position])) for position in strongest.tolist())
        return tuple(self._reason(name, row[name], amount) for name, amount in found if abs(amount) >= LEAST_LOG_ODDS)

    def _reason(self, name: str, cell: float | str, log_odds: float) -> Reason:
        value = value_of(cell, self._kinds[name])
        effect: Effect = "raises" if log_odds > 0 else "lowers"
        words = f"{self._phrases[name](value)}, which {effect} the risk"
        return Reason(name, value, effect, log_odds, words)
