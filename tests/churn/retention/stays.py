"""Customers whose time to leaving follows a known law."""

import numpy as np

from churn.contract.contract import Contract
from churn.contract.table import Columns

INTERCEPT, PRICE, YEARLY = 3.0, -0.5, 1.0
"""log λ = 3 - 0.5 · price + 1 for a yearly plan; in months."""


def club(**changes: object) -> Contract:
    """A contract with a duration, a number and a category that matter, and two columns that don't."""
    facts: dict[str, object] = {
        "name": "club",
        "target": {"column": "left", "positive": "1"},
        "columns": {
            "months": {"type": "number"},
            "price": {"type": "number"},
            "plan": {"type": "category", "categories": ["monthly", "yearly"], "accept_unknown": True},
            "noise": {"type": "number"},
            "age": {"type": "number", "protected": True},
            "paid": {"type": "number"},
        },
        "relations": {"paid": {"total": "paid", "factors": ["months", "price"]}},
        "survival": {"duration": "months"},
    }
    return Contract.model_validate(facts | changes)


def log_scale(columns: Columns) -> np.ndarray:
    """The true log λ."""
    return INTERCEPT + PRICE * columns["price"].astype(float) + YEARLY * (columns["plan"] == "yearly")


def draw(rows: int, *, seed: int, power: float = 0.8) -> tuple[Columns, np.ndarray, np.ndarray]:
    """Graph-ready columns without the duration, months to leaving (Weibull), and months until now."""
    rng = np.random.default_rng(seed)
    columns: Columns = {
        "price": rng.normal(size=rows).astype(np.float32),
        "plan": rng.choice(np.array(["monthly", "yearly"], object), rows),
        "noise": rng.normal(size=rows).astype(np.float32),
        "age": rng.normal(40, 9, rows).astype(np.float32),
        "paid": rng.normal(size=rows).astype(np.float32),
    }
    months = np.exp(log_scale(columns)) * rng.weibull(power, rows)
    return columns, months, rng.uniform(0, 72, rows)


def cohort(rows: int, *, seed: int, power: float = 0.8) -> tuple[Columns, np.ndarray]:
    """A table with everybody who ever joined: columns with `months`, and who left."""
    columns, months, until = draw(rows, seed=seed, power=power)
    return columns | {"months": np.minimum(months, until).astype(np.float32)}, (months <= until).astype(np.int8)
