"""The study of a usage label: what earlier or later bounds of inactivity would make of it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from churn.contract.cells import text_of
from churn.contract.contract import Contract
from churn.contract.proxy import Usage
from churn.contract.table import RawColumns
from churn.errors import TableError
from churn.labels.truth import Agreement, Truth, agreement
from churn.labels.usage import UNKNOWN, label_usage


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What bounds of inactivity that are `factor` times the contract's make of the customers.

    Attributes:
        bounds: column → least number of days.
        customers: how many have a label.
        base_rate: share of them who left; NaN when nobody has a label.
        agreement: with the true labels, where there are some.
    """

    factor: float
    bounds: dict[str, float]
    customers: int
    base_rate: float
    agreement: Agreement | None


def study_usage(
    contract: Contract, proxy: Usage, raw: RawColumns, *, factors: tuple[float, ...], truth: Truth | None = None
) -> tuple[UsageRow, ...]:
    """Sweep the bounds of inactivity; how many come back is not known from one look at usage.

    Raises:
        TableError: a column of the label is missing, or true labels are given and customers have no id.
    """
    rows = []
    for factor in sorted({1.0, *factors}):
        labels = label_usage(contract, proxy, raw, factor=factor)
        is_known = labels != UNKNOWN
        rows.append(
            UsageRow(
                factor=factor,
                bounds={name: least * factor for name, least in proxy.inactivity.items()},
                customers=int(is_known.sum()),
                base_rate=float((labels[is_known] == 1).mean()) if is_known.any() else np.nan,
                agreement=_agreement(contract, raw, labels, truth),
            )
        )
    return tuple(rows)


def _agreement(contract: Contract, raw: RawColumns, labels: np.ndarray, truth: Truth | None) -> Agreement | None:
    if truth is None:
        return None
    if contract.customer_id is None or contract.customer_id not in raw:
        raise TableError("true labels need a column that names the customer: set customer_id in the contract")
    names, is_known = np.array(list(map(text_of, raw[contract.customer_id])), object), labels != UNKNOWN
    return agreement(names[is_known], labels[is_known], truth)


def usage_table(rows: tuple[UsageRow, ...]) -> pd.DataFrame:
    """Return one row per factor; agreement has columns of its own where there are true labels."""
    return pd.DataFrame(
        [
            {"factor": row.factor, **row.bounds, "customers": row.customers, "base_rate": row.base_rate}
            | (_columns_of(row.agreement) if row.agreement else {})
            for row in rows
        ]
    )


def _columns_of(found: Agreement) -> dict[str, float]:
    return {"kappa": found.kappa, "precision": found.precision, "recall": found.recall}


def usage_markdown(rows: tuple[UsageRow, ...]) -> str:
    """Write the rows as a Markdown table."""
    table = usage_table(rows)
    lines = [f"| {' | '.join(table.columns)} |", "|" + "---:|" * len(table.columns)]
    lines += [f"| {' | '.join(f'{value:.4g}' for value in row)} |" for row in table.itertuples(index=False)]
    return "\n".join(lines)
