"""Phrases: a column and its value as people say them, "monthly charges is 85.5 USD per month"."""

import math
import re
from collections.abc import Callable

import numpy as np

from churn.contract.column import Column

BORDER = re.compile(r"_|(?<=[^\W\dA-Z_])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Between the words of a name: monthly_charges, MonthlyCharges, TVCharges."""

Value = float | int | bool | str | None
"""As a JSON client would send it; None: missing."""


def spoken(name: str) -> str:
    """Return a column's name as people say it: MonthlyCharges and monthly_charges become monthly charges."""
    words = BORDER.sub(" ", name).split()
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words) or name


def phrase_of(name: str, column: Column) -> Callable[[Value], str]:
    """Return what says a column's value in words."""
    label = spoken(name)
    if column.type == "boolean":
        label = column.description or label
        return lambda value: f"{label}: {'not known' if value is None else 'yes' if value else 'no'}"
    if column.type == "category":
        return lambda value: f"{label} is {'not known' if value is None else value}"
    return lambda value: f"{label} is {'not known' if value is None else _amount(value, column.unit)}"


def value_of(cell: float | str, kind: str) -> Value:
    """Return a graph-ready cell of a column of type `kind` as a JSON client would send it."""
    if isinstance(cell, str):
        return cell or None
    if math.isnan(cell):
        return None
    if kind == "boolean":
        return bool(cell)
    # float32 holds 79.4 as 79.40000152…; its shortest text is what was sent
    number = float(str(cell)) if isinstance(cell, np.float32) else float(cell)
    return int(number) if kind == "integer" else number


def _amount(value: Value, unit: str) -> str:
    """Return a number with its unit, as it is spoken: 1 month, 1,026 USD, 85.5 USD per month."""
    number = f"{value:,.10g}"
    if value == 1 and unit.endswith("s") and not unit.endswith(("ss", "us")):
        unit = unit[:-1]
    return f"{number} {unit.replace('/', ' per ')}".rstrip()
