"""Columns and their values as people say them, from the contract's names, units and roles."""

import re

import numpy as np

from churn.contract.contract import Contract
from churn.contract.derived import CountOf, IsMissing

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
LEVELS = ("low", "middle", "high")
STANDING = ("new", "established", "long-standing")
PAYING = ("paying little", "paying an average amount", "paying much")
AMOUNTS = ("few", "some", "many")


def column_words(name: str) -> str:
    """Return a column's name as words: MonthlyCharges is "monthly charges", PC_name is "PC name"."""
    words = CAMEL.sub(" ", name).replace("_", " ").replace(".", " ").split()
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words)


def is_text_like(contract: Contract, name: str) -> bool:
    """True for categories and for flags, which read better as shares than as means."""
    column = contract.columns.get(name)
    if column is None:
        return isinstance(contract.derived[name], IsMissing)
    return column.type in {"category", "boolean"}


def texts_of(values: np.ndarray) -> np.ndarray:
    """Return the texts of a category or a flag, with "" for missing."""
    if values.dtype == object:
        return values.astype(str)
    return np.select([np.isnan(values), values == 0], ["", "No"], "Yes")


def number_words(contract: Contract, name: str, value: float) -> str:
    """Return a value with its unit: "10 months", "75.6 USD/month"."""
    column = contract.columns.get(name)
    unit = column.unit if column else ""
    return f"{value:,.4g} {unit}".strip() if abs(value) < 1000 else f"{value:,.0f} {unit}".strip()


def level_words(contract: Contract, name: str, level: int) -> str:
    """Say that a number is low (0), in the middle (1) or high (2), by the column's role in the contract."""
    if contract.survival and contract.survival.duration == name:
        return STANDING[level]
    if contract.economics and contract.economics.value_column == name:
        return PAYING[level]
    words = column_words(name)
    if isinstance(contract.derived.get(name), CountOf):
        return f"{AMOUNTS[level]} {words}"
    return f"{LEVELS[level]} {words}"


def category_words(name: str, text: str) -> str:
    """Say a category with its column: "month-to-month contract", "tech support: No internet service"."""
    words = column_words(name)
    if text == "":
        return f"{words} not known"
    if text.lower() in {"yes", "no"}:
        return words if text.lower() == "yes" else f"no {words}"
    if len(text.split()) <= 2 and not text.lower().startswith("no "):
        return f"{_uncapitalised(text)} {words}"
    return f"{words}: {text}"


def _uncapitalised(text: str) -> str:
    """Two year is "two year"; DSL stays."""
    return text[0].lower() + text[1:] if text[1:2].islower() else text
