"""Conditions of offers, made functions once, so that asking them of one customer is quick."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from churn.contract.cells import text_of, truth
from churn.contract.column import Column
from churn.contract.offers import Condition

Row = Mapping[str, float | str]
Test = Callable[[Row, frozenset[str]], bool]
"""Asked of a graph-ready row, and of the columns that raise its risk most."""


def tests_of(conditions: Sequence[Condition], columns: Mapping[str, Column]) -> tuple[Test, ...]:
    """Return one function per condition of a valid contract."""
    return tuple(_test_of(condition, columns[condition.names]) for condition in conditions)


def _test_of(condition: Condition, column: Column) -> Test:
    name = condition.names
    if condition.reason:
        return lambda _, raising: name in raising
    if condition.missing is not None:
        return _missing(name, wanted=condition.missing, is_numeric=column.is_numeric)
    if condition.is_bounded:
        return _between(name, _narrow(condition.at_least, -np.inf), _narrow(condition.at_most, np.inf))
    return _one_of(name, condition, column)


def _missing(name: str, *, wanted: bool, is_numeric: bool) -> Test:
    if is_numeric:
        return lambda row, _: math.isnan(float(row[name])) is wanted
    return lambda row, _: (not row[name]) is wanted


def _between(name: str, low: float, high: float) -> Test:
    return lambda row, _: low <= float(np.float32(row[name])) <= high


def _one_of(name: str, condition: Condition, column: Column) -> Test:
    if not column.is_numeric:
        texts = frozenset(map(str, condition.cells))
        return lambda row, _: row[name] in texts
    read = truth if column.type == "boolean" else float
    numbers = frozenset(_narrow(read(text_of(cell)), 0.0) for cell in condition.cells)
    return lambda row, _: float(np.float32(row[name])) in numbers


def _narrow(number: float | None, default: float) -> float:
    """Round as the graph's inputs are: a table holds 79.4 as float32, a single request as a double."""
    return default if number is None else float(np.float32(number))
