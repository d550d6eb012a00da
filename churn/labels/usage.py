"""Labels from columns of usage: a customer left when activity is low and the last one long ago."""

from collections.abc import Iterator, Mapping

import numpy as np

from churn.contract.checked_column import check_column
from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.contract.proxy import Usage
from churn.contract.table import RawColumns
from churn.errors import TableError

UNKNOWN = -1


def label_usage(contract: Contract, proxy: Usage, raw: RawColumns, *, factor: float = 1.0) -> np.ndarray:
    """Label each row: 1 left, 0 stayed, -1 not known, int8 of shape (rows,).

    A missing number leaves the label open, unless another column says already that the customer stayed.

    Args:
        contract: gives the marks of missing values.
        proxy: the bounds.
        raw: the usage table's columns, as its file holds them.
        factor: multiplies the bounds of inactivity, for studies.

    Raises:
        TableError: a column of the label is missing, or holds a text that is no number.
    """
    marks = frozenset(contract.missing_marks)
    conditions = list(_conditions(proxy, _numbers(proxy, raw, marks), factor))
    is_true = np.all([values for values, _ in conditions], axis=0)
    is_false = np.any([~values & ~is_missing for values, is_missing in conditions], axis=0)
    return np.where(is_true, 1, np.where(is_false, 0, UNKNOWN)).astype(np.int8)


def _conditions(
    proxy: Usage, columns: Mapping[str, np.ndarray], factor: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield which rows meet a bound, and which have no number to hold against it."""
    for name, most in proxy.low_activity.items():
        yield columns[name] <= most, np.isnan(columns[name])
    for name, least in proxy.inactivity.items():
        yield columns[name] >= least * factor, np.isnan(columns[name])


def _numbers(proxy: Usage, raw: RawColumns, marks: frozenset[str]) -> dict[str, np.ndarray]:
    if absent := [name for name in proxy.label_columns if name not in raw]:
        raise TableError(
            f"the table has no column {', '.join(map(repr, absent))}, from which target.proxy makes the label; it has "
            + ", ".join(map(repr, raw))
        )
    return {name: _number_column(name, raw, marks) for name in proxy.label_columns}


def _number_column(name: str, raw: RawColumns, marks: frozenset[str]) -> np.ndarray:
    checked = check_column(Column(type="number"), raw[name], marks)
    is_bad = checked.faults["not a number"]
    if is_bad.any():
        raise TableError(
            f"column {name!r} makes the label, and {int(is_bad.sum())} of its cells hold no number, the first in row "
            f"{int(np.argmax(is_bad)) + 1}: correct the table, or add the text to missing_marks"
        )
    return checked.values
