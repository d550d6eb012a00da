"""Customers with known groups, or with none."""

import numpy as np

from churn.contract.contract import Contract
from churn.contract.table import Columns

PLACES = ((0, 0), (40, 0), (0, 40), (40, 40), (20, 80), (80, 20))


def shop(**changes: object) -> Contract:
    """A contract of two numbers, a category, a flag, and a column that nobody groups by."""
    facts: dict[str, object] = {
        "name": "shop",
        "target": {"column": "left", "positive": "1"},
        "columns": {
            "visits": {"type": "number", "unit": "visits/month"},
            "basket": {"type": "number", "unit": "EUR"},
            "channel": {"type": "category", "categories": ["web", "store"], "accept_unknown": True},
            "member": {"type": "boolean"},
            "age": {"type": "number", "protected": True},
        },
        "segments": {"columns": ["visits", "basket"]},
    }
    return Contract.model_validate(facts | changes)


def crowd(rows: int, groups: int, *, seed: int, spread: float = 4.0) -> tuple[Columns, np.ndarray]:
    """Graph-ready columns of customers in equal round groups, and the group of each; spread 4 parts all of them."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(groups, size=rows)
    places = np.array(PLACES, float)[truth] + rng.normal(scale=spread, size=(rows, 2))
    columns: Columns = {
        "visits": places[:, 0].astype(np.float32),
        "basket": places[:, 1].astype(np.float32),
        "channel": rng.choice(np.array(["web", "store"], object), rows),
        "member": rng.integers(0, 2, rows).astype(np.float32),
        "age": rng.normal(40, 10, rows).astype(np.float32),
    }
    return columns, truth


def leavers(truth: np.ndarray, *, seed: int) -> np.ndarray:
    """Who left: one in ten of group 0, two in ten of group 1 …"""
    return (np.random.default_rng(seed).random(len(truth)) < (truth + 1) / 10).astype(np.int8)


def row_of(columns: Columns, place: int) -> dict[str, float | str]:
    """One row, as a door reads it."""
    return {name: values[place] if values.dtype == object else float(values[place]) for name, values in columns.items()}
