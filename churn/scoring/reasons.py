"""Reasons in plain words: "tenure is 2 months, which raises the risk"."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from churn.contract.column import Column
from churn.contract.contract import Contract

MOST_REASONS = 3
LEAST_LOG_ODDS = 0.01
"""What moves a probability by less than a quarter of a percentage point is no reason to tell."""

BORDER = re.compile(r"_|(?<=[^\W\dA-Z_])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Between the words of a name: monthly_charges, MonthlyCharges, TVCharges."""

Effect = Literal["raises", "lowers"]
Value = float | int | bool | str | None


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
        self._phrases = {name: _phrase_of(name, column) for name, column in contract.columns.items()}

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
        value = _value(cell, self._kinds[name])
        effect: Effect = "raises" if log_odds > 0 else "lowers"
        words = f"{self._phrases[name](value)}, which {effect} the risk"
        return Reason(name, value, effect, log_odds, words)


def spoken(name: str) -> str:
    """Return a column's name as people say it: MonthlyCharges and monthly_charges become monthly charges."""
    words = BORDER.sub(" ", name).split()
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words) or name


def _phrase_of(name: str, column: Column) -> Callable[[Value], str]:
    label = spoken(name)
    if column.type == "boolean":
        label = column.description or label
        return lambda value: f"{label}: {'not known' if value is None else 'yes' if value else 'no'}"
    if column.type == "category":
        return lambda value: f"{label} is {'not known' if value is None else value}"
    return lambda value: f"{label} is {'not known' if value is None else _amount(value, column.unit)}"


def _amount(value: Value, unit: str) -> str:
    """Return a number with its unit, as it is spoken: 1 month, 1,026 USD, 85.5 USD per month."""
    number = f"{value:,.10g}"
    if value == 1 and unit.endswith("s") and not unit.endswith(("ss", "us")):
        unit = unit[:-1]
    return f"{number} {unit.replace('/', ' per ')}".rstrip()


def _value(cell: float | str, kind: str) -> Value:
    if isinstance(cell, str):
        return cell or None
    if math.isnan(cell):
        return None
    if kind == "boolean":
        return bool(cell)
    # float32 holds 79.4 as 79.40000152…; its shortest text is what was sent
    number = float(str(cell)) if isinstance(cell, np.float32) else float(cell)
    return int(number) if kind == "integer" else number
