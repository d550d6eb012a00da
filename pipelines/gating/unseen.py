"""The rows of comparison: customers whose outcome is known, and whom neither version's training saw."""

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Engine

from churn.contract.table import Columns
from churn.evaluation.gate import Guard
from pipelines.gating.later import Later, later_customers
from pipelines.gating.limits import Limits
from pipelines.gating.sides import Side
from pipelines.holdout import Holdout, read_holdout
from pipelines.seen import Named, seen_by


@dataclass(frozen=True, slots=True)
class Unseen:
    """Rows that both versions can be judged on.

    Attributes:
        target: 1 for customers who left; shape (rows,).
        ids: of customers, or of their predictions; shape (rows,).
        groups: whose rows they are, shape (rows,); None: each is its own.
        columns: graph-ready, for the candidate's contract and, when there is one, for production's.
        words: which rows they are, in a sentence.
    """

    target: np.ndarray
    ids: np.ndarray
    groups: np.ndarray | None
    columns: tuple[Columns, ...]
    words: str

    @property
    def leavers(self) -> int:
        """How many of them left."""
        return int(self.target.sum())

    def guard(self, limits: Limits) -> Guard:
        """Say which rows they are, and whether they are enough: to compare two versions, or to look at the first."""
        is_alone, rows, least = len(self.columns) == 1, len(self.target), limits.min_of_each_kind
        needed = 2 * least if is_alone else limits.min_rows
        numbers = {"rows": float(rows), "leavers": float(self.leavers), "needed": float(needed)}
        if rows >= needed and min(self.leavers, rows - self.leavers) >= least:
            return Guard("rows", "passed", f"judged on {self.words}", numbers)
        words = f"there are only {self.words}: {needed} are needed, {least} of each kind"
        return Guard("rows", "undecided", words, numbers)


def unseen_rows(candidate: Side, production: Side | None, limits: Limits, *, engine: Engine) -> Unseen:
    """Take live customers later than both trainings when there are enough, else the candidate's held-out ones.

    Raises:
        ContractError: a column is a number for one version and a category for the other.
        StoreError: a store does not answer.
    """
    sides = (candidate, *((production,) if production else ()))
    if production is not None and (later := later_customers(candidate, production, engine)):
        found = _of_live(later)
        if found.guard(limits).outcome == "passed":
            return found
    holdout = read_holdout(candidate.run)
    chosen, whose = _chosen(holdout, production)
    columns = tuple(_only(holdout.columns(side.scorer.contract), chosen) for side in sides)
    target = holdout.labels[chosen].astype(np.int8)
    return Unseen(
        target=target,
        ids=holdout.ids[chosen],
        groups=None if holdout.groups is None else holdout.groups[chosen],
        columns=columns,
        words=f"{_counted(target)} {whose}{_when(holdout, chosen)}",
    )


def _of_live(later: Later) -> Unseen:
    target = np.array(later.churned, dtype=np.int8)
    ids = np.array(later.customers, dtype=object)
    words = (
        f"{_counted(target)} live customers, predicted from {later.since[:10]} to {later.until[:10]} and thus after "
        "both trainings"
    )
    return Unseen(target, ids, ids, later.columns, words)


def _chosen(holdout: Holdout, production: Side | None) -> tuple[np.ndarray, str]:
    """Return which held-out rows production did not see either, and who they are."""
    everybody = np.ones(len(holdout.labels), bool)
    if production is None:
        return everybody, "customers whom the candidate's training held out"
    is_seen = seen_by(production.run, Named(holdout.ids, holdout.groups, holdout.times))
    if is_seen is None:
        both = np.isin(holdout.ids.astype(str), read_holdout(production.run).ids.astype(str))
        return both, (
            "customers whom both trainings held out (production's is older than the record of whom a training saw)"
        )
    left_out = f"; {is_seen.sum():,} more are left out, since production's training saw them" if is_seen.any() else ""
    return ~is_seen, f"customers whom the candidate's training held out, and production's did not see{left_out}"


def _counted(target: np.ndarray) -> str:
    return f"{len(target):,} ({int(target.sum()):,} left)"


def _when(holdout: Holdout, chosen: np.ndarray) -> str:
    if holdout.times is None or not chosen.any():
        return ""
    times = holdout.times[chosen].astype("datetime64[D]")
    return f", from {times.min()} to {times.max()}"


def _only(columns: Columns, chosen: np.ndarray) -> Columns:
    return {name: values[chosen] for name, values in columns.items()}
