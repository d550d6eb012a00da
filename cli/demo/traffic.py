"""Customers for the demo: rows of the table, at first as they are, then with a shift in them."""

from collections.abc import Mapping, Sequence

import numpy as np

from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.contract.table import Columns
from cli.simulation.bodies import Body, bodies
from cli.simulation.sending import Sent, send

__all__ = ["Sent", "customers", "send", "with_shift"]

DEARER = 1.35


def customers(contract: Contract, columns: Columns, rows: int, *, seed: int) -> list[Body]:
    """Draw rows as a client would send them."""
    drawn = np.random.default_rng(seed).integers(0, len(next(iter(columns.values()))), rows)
    return bodies(contract, {name: values[drawn] for name, values in columns.items()})


def with_shift(contract: Contract, rows: Sequence[Mapping[str, object]]) -> list[Body]:
    """Move a population: amounts grow by a third, whole numbers fall to a third (newer customers), a category narrows.

    Every model has to see it: one that looks at other columns, or is flat beyond what it knows, as well.
    """
    favourite = next((name for name in contract.category_columns if name in contract.required_columns), None)
    moved = []
    for position, row in enumerate(rows):
        changed = {name: _moved(contract.columns[name], value) for name, value in row.items()}
        if favourite and position % 4:
            changed[favourite] = contract.columns[favourite].categories[0]
        moved.append(changed)
    return moved


def _moved(column: Column, value: object) -> object:
    if column.type == "integer" and isinstance(value, int | float):
        fallen = value // 3
        return fallen if column.minimum is None or fallen >= column.minimum else value
    if column.type != "number" or not isinstance(value, float):
        return value
    grown = round(value * DEARER, 4)
    return grown if column.maximum is None or grown <= column.maximum else value
