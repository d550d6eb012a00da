"""Bodies: customers as a client sends them."""

from collections.abc import Mapping, Sequence

import numpy as np

from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.contract.request import CUSTOMER_ID_FIELD

Body = dict[str, object]


def bodies(
    contract: Contract, columns: Mapping[str, np.ndarray], ids: Sequence[str] | np.ndarray | None = None
) -> list[Body]:
    """Return one JSON object per row; what is missing is left out.

    Args:
        contract: what a row is; its columns alone are sent.
        columns: numbers with NaN, or texts with "", for missing; each of shape (rows,).
        ids: names of the customers; None: the door gives them some.
    """
    rows = len(next(iter(columns.values())))
    made: list[Body] = [{} for _ in range(rows)] if ids is None else [{CUSTOMER_ID_FIELD: str(each)} for each in ids]
    for name, column in contract.columns.items():
        for body, value in zip(made, columns[name].tolist() if name in columns else [], strict=False):
            if value != "" and value == value:  # noqa: PLR0124  NaN
                body[name] = _as_sent(column, value)
    return made


def _as_sent(column: Column, value: object) -> object:
    match column.type:
        case "category":
            return str(value)
        case "boolean":
            return bool(float(str(value)))
        case "integer":
            return int(float(str(value)))
        case "number":
            return round(float(str(value)), 4)
