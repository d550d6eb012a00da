"""The named shifts that the drift job's power is measured with."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from churn.contract.table import Columns

Change = Callable[[Columns, np.random.Generator], None]
"""Changes graph-ready columns in place."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One way in which customers change.

    Attributes:
        column: which moves; "" when only the probabilities do.
        log_odds: added to the probabilities: customers as before, another answer.
    """

    name: str
    column: str
    change: Change
    log_odds: float = 0.0


def dearer(factor: float) -> Change:
    def change(columns: Columns, rng: np.random.Generator) -> None:
        del rng
        columns["MonthlyCharges"] *= np.float32(factor)

    return change


def doubled(column: str, text: str) -> Change:
    """Move as many others to a category as it has already."""

    def change(columns: Columns, rng: np.random.Generator) -> None:
        has = columns[column] == text
        others = rng.permutation(np.flatnonzero(~has))
        columns[column][others[: int(has.sum())]] = text

    return change


def missing(column: str) -> Change:
    def change(columns: Columns, rng: np.random.Generator) -> None:
        del rng
        columns[column][:] = ""

    return change


def new_category(column: str, text: str, share: float) -> Change:
    def change(columns: Columns, rng: np.random.Generator) -> None:
        columns[column][rng.random(len(columns[column])) < share] = text

    return change


def nothing(columns: Columns, rng: np.random.Generator) -> None:
    del columns, rng


SHIFTS = (
    Shift("price +10 %", "MonthlyCharges", dearer(1.1)),
    Shift("price +30 %", "MonthlyCharges", dearer(1.3)),
    Shift("twice as many one-year contracts", "Contract", doubled("Contract", "One year")),
    Shift("TechSupport gone missing", "TechSupport", missing("TechSupport")),
    Shift("a new way to pay, 10 %", "PaymentMethod", new_category("PaymentMethod", "Digital wallet", 0.1)),
    Shift("the prediction alone, +0.5 in log-odds", "", nothing, log_odds=0.5),
)
