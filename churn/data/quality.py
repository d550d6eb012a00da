"""The quality report of a table: what is missing, out of range, unknown, repeated, inconsistent or far out."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from churn.contract.contract import Contract, Product
from churn.contract.table import CheckedTable, Columns

IQR_FACTOR = 1.5
"""Tukey's fences: beyond 1.5 interquartile ranges from the quartiles ("Exploratory Data Analysis", 1977)."""


@dataclass(frozen=True, slots=True)
class ColumnQuality:
    """One column. Counts are over all rows, except outliers: over accepted rows."""

    name: str
    missing: int
    unknown: int
    outliers: int
    smallest: float | None
    median: float | None
    largest: float | None


@dataclass(frozen=True, slots=True)
class Quality:
    """A whole table.

    Attributes:
        churn_rate: share of accepted customers who left.
        repeated_rows: rows equal to an earlier one in everything but the customer id.
        broken_relations: per relation of the contract, rows that break it.
        rejection_reasons: how often each reason set a row aside.
        unused_columns: columns of the file that the contract does not name.
    """

    rows: int
    accepted: int
    rejected: int
    churn_rate: float
    repeated_rows: int
    broken_relations: dict[str, int]
    rejection_reasons: dict[str, int]
    unused_columns: tuple[str, ...]
    columns: tuple[ColumnQuality, ...]

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain values, for JSON."""
        return asdict(self)

    def as_markdown(self) -> str:
        """Return the report for people."""
        return "\n".join(_lines(self)) + "\n"


def assess(
    contract: Contract, checked: CheckedTable, labels: np.ndarray, *, reasons: Counter[str], unused: tuple[str, ...]
) -> Quality:
    """Assess a checked table.

    Args:
        contract: what the table is.
        checked: the accepted rows.
        labels: 1 for customers who left, of shape (accepted,).
        reasons: how often each reason set a row aside.
        unused: columns of the file that nothing reads.
    """
    rejected = len(checked.rejected)
    return Quality(
        rows=len(labels) + rejected,
        accepted=len(labels),
        rejected=rejected,
        churn_rate=float(labels.mean()) if len(labels) else 0.0,
        repeated_rows=int(pd.DataFrame({**checked.columns, contract.target.column: labels}).duplicated().sum()),
        broken_relations={name: _broken(rule, checked.columns) for name, rule in contract.relations.items()},
        rejection_reasons=dict(reasons.most_common()),
        unused_columns=unused,
        columns=tuple(_column(name, checked) for name in contract.columns),
    )


def _column(name: str, checked: CheckedTable) -> ColumnQuality:
    values = checked.columns[name]
    missing, unknown = checked.missing[name], checked.unknown[name]
    present = values[~np.isnan(values)].astype(np.float64) if values.dtype != object else np.empty(0)
    if not len(present):
        return ColumnQuality(name, missing, unknown, outliers=0, smallest=None, median=None, largest=None)
    low, median, high = np.quantile(present, [0.25, 0.5, 0.75])
    fence = IQR_FACTOR * (high - low)
    is_far = (present < low - fence) | (present > high + fence)
    is_flag = set(np.unique(present)) <= {0.0, 1.0}
    return ColumnQuality(
        name,
        missing,
        unknown,
        outliers=0 if is_flag else int(is_far.sum()),
        smallest=float(present.min()),
        median=float(median),
        largest=float(present.max()),
    )


def _broken(rule: Product, columns: Columns) -> int:
    product = np.prod([columns[name].astype(np.float64) for name in rule.factors], axis=0)
    total = columns[rule.total].astype(np.float64)
    with np.errstate(invalid="ignore"):
        return int((np.abs(total - product) > rule.tolerance_ratio * np.maximum(np.abs(total), 1)).sum())


def _lines(quality: Quality) -> Iterator[str]:
    yield "# Data quality\n"
    yield f"{quality.rows:,} rows: {quality.accepted:,} accepted, {quality.rejected:,} set aside."
    yield f"{quality.churn_rate:.2%} of the accepted customers left.\n"
    yield f"- {quality.repeated_rows:,} rows repeat an earlier one in everything but the customer id"
    for name, count in quality.broken_relations.items():
        yield f"- {count:,} rows break the relation *{name}*"
    for reason, count in quality.rejection_reasons.items():
        yield f"- {count:,} rows were set aside: {reason}"
    if quality.unused_columns:
        yield f"- not used, because the contract does not name them: {', '.join(quality.unused_columns)}"
    yield "\n| column | missing | unknown | outliers | smallest | median | largest |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for one in quality.columns:
        numbers = " | ".join("" if value is None else f"{value:g}" for value in (one.smallest, one.median, one.largest))
        yield f"| {one.name} | {one.missing:,} | {one.unknown:,} | {one.outliers:,} | {numbers} |"
