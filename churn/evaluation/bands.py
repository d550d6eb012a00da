"""The groups that one column divides customers into, with names that people understand."""

from collections.abc import Iterator

import numpy as np

from churn.contract.contract import Contract
from churn.contract.table import Columns

BANDS = 3
FEW_VALUES = 6


def groups_of(contract: Contract, columns: Columns, name: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each group's name and its mask of shape (rows,): values of a category, or low, middle and high numbers.

    Categories beyond the six most frequent are one group; missing values are a group of their own.
    """
    values, column = columns[name], contract.columns[name]
    if column.type == "category":
        yield from _by_value(name, values)
    elif column.type == "boolean":
        yield from _named([(f"{name} = no", values == 0), (f"{name} = yes", values == 1)])
        yield from _named([(f"{name} missing", np.isnan(values))])
    else:
        yield from _by_band(name, values)


def _by_value(name: str, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    found, counts = np.unique(values[values != ""].astype(str), return_counts=True)
    frequent = found[np.argsort(-counts, kind="stable")[:FEW_VALUES]]
    yield from _named([(f"{name} = {value}", values == value) for value in frequent])
    is_other = ~np.isin(values.astype(str), [*frequent, ""])
    yield from _named([(f"{name}: other", is_other), (f"{name} missing", values == "")])


def _by_band(name: str, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    known = values[~np.isnan(values)]
    edges = np.unique(np.quantile(known, [1 / BANDS, 2 / BANDS])) if len(known) else np.empty(0)
    band = np.searchsorted(edges, values, side="left")
    for number in range(len(edges) + 1):
        low = f"{edges[number - 1]:g} < " if number else ""
        high = f" ≤ {edges[number]:g}" if number < len(edges) else ""
        yield from _named([(f"{low}{name}{high}", (band == number) & ~np.isnan(values))])
    yield from _named([(f"{name} missing", np.isnan(values))])


def _named(groups: list[tuple[str, np.ndarray]]) -> Iterator[tuple[str, np.ndarray]]:
    """Pass on the groups that hold somebody."""
    yield from ((name, mask) for name, mask in groups if mask.any())
