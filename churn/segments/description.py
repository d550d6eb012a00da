"""Describes found segments: counts, churn rates with intervals, worth, what sets each apart, and a name."""

import numpy as np

from churn.contract.contract import Contract
from churn.contract.derived import sources_of
from churn.contract.table import Columns
from churn.evaluation.shares import share
from churn.features.operations import derive
from churn.retention.profit import customer_value
from churn.segments.assignment import SegmentBook
from churn.segments.differences import traits_of
from churn.segments.naming import names_of
from churn.segments.profile import Segment

TOLD_ROWS = 20_000
"""Every k-th customer of a larger table is compared: what needs more to be seen is too small to matter."""


def described(
    book: SegmentBook, contract: Contract, columns: Columns, labels: np.ndarray, *, values: np.ndarray | None = None
) -> SegmentBook:
    """Return the book with its segments counted on a table, sorted by churn rate, described and named.

    Args:
        book: its segments' figures are replaced.
        contract: what the columns mean.
        columns: graph-ready columns, each of shape (rows,).
        labels: 1 for customers who left, else 0; shape (rows,).
        values: worth per customer, shape (rows,); None: from the contract's economics, if it says.
    """
    worth = _worth(contract, columns) if values is None else np.asarray(values, np.float64)
    counted = [_counted(segment, members, labels, worth) for segment, members in _members(book, columns)]
    ranked = tuple(sorted(counted, key=lambda segment: (-segment.churn_rate, -segment.size)))
    book = book.model_copy(update={"segments": ranked})
    some = {name: values[:: max(1, len(labels) // TOLD_ROWS)] for name, values in columns.items()}
    every = {**some, **{name: derive(how, some) for name, how in contract.derived.items()}}
    numbers = book.of_columns(some)
    kin = _kin(contract, {scale.name for scale in book.scales})
    traits = traits_of(contract, every, numbers, count=len(ranked), grouped_by=kin)
    names = names_of(contract, every, numbers, traits)
    told = zip(ranked, names, traits, strict=True)
    segments = tuple(segment.model_copy(update={"name": name, "traits": why}) for segment, name, why in told)
    return book.model_copy(update={"segments": segments})


def _kin(contract: Contract, names: set[str]) -> frozenset[str]:
    """The columns that are computed from or with these; they differ between the segments for the same reason."""
    kin = names | {source for name in names & set(contract.derived) for source in sources_of(contract.derived[name])}
    totals = {rule.total for rule in contract.relations.values() if kin & set(rule.factors)}
    derived = {name for name, how in contract.derived.items() if (kin | totals) & set(sources_of(how))}
    return frozenset(kin | totals | derived)


def _worth(contract: Contract, columns: Columns) -> np.ndarray | None:
    economics = contract.economics
    return None if economics is None or economics.value_from == "survival" else customer_value(economics, columns)


def _members(book: SegmentBook, columns: Columns) -> list[tuple[Segment, np.ndarray]]:
    numbers = book.of_columns(columns)
    return [(segment, numbers == number) for number, segment in enumerate(book.segments) if (numbers == number).any()]


def _counted(segment: Segment, members: np.ndarray, labels: np.ndarray, worth: np.ndarray | None) -> Segment:
    size, left = int(members.sum()), int((labels[members] == 1).sum())
    rate = share(left, size)
    return segment.model_copy(
        update={
            "size": size,
            "share": size / len(members),
            "churn_rate": rate.value,
            "churn_low": rate.low,
            "churn_high": rate.high,
            "mean_value": None if worth is None else float(worth[members].mean()),
            "value_at_risk": None if worth is None else float(worth[members & (labels == 1)].sum()),
        }
    )
