"""Fairness: how the model's decisions differ between the groups of a protected column.

Methods: equal opportunity (Hardt, Price, Srebro, 2016) compares the leavers that are found; shares carry Wilson's
interval (1927), differences Newcombe's (1998, method 10). Offers are compared at equal value: within thirds of what
customers are worth, weighted as all customers are (direct standardisation), because a group that is worth more gets
more offers for that reason alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from churn.contract.contract import Contract
from churn.contract.fairness import Fairness
from churn.contract.table import Columns
from churn.evaluation.bands import groups_of
from churn.evaluation.intervals import Estimate
from churn.evaluation.shares import difference, share

STRATA = 3


@dataclass(frozen=True, slots=True)
class GroupReport:
    """What the model does with one group of a protected column.

    Attributes:
        found: leavers of the group that are at risk at the threshold (recall).
        right: customers at risk who do leave (precision).
        offered: customers of the group that are at risk at the threshold.
        offered_at_equal_value: the same share, as if the group were worth what all customers are.
        predicted_minus_observed: mean probability minus the share that left; 0 is right.
    """

    column: str
    group: str
    customers: int
    leavers: int
    found: Estimate
    right: Estimate
    offered: Estimate
    offered_at_equal_value: float
    predicted_minus_observed: float


@dataclass(frozen=True, slots=True)
class Decided:
    """Customers whose outcome is known, with what the model said; every array is of shape (rows,)."""

    columns: Columns
    labels: np.ndarray
    scores: np.ndarray
    threshold: float
    values: np.ndarray | None = None


def group_reports(contract: Contract, decided: Decided) -> list[GroupReport]:
    """Report every group of every protected column of the contract."""
    protected = [name for name, column in contract.columns.items() if column.protected]
    return [
        _report(name, group, mask, decided)
        for name in protected
        for group, mask in groups_of(contract, decided.columns, name)
    ]


def unfair(reports: Sequence[GroupReport], tolerance: Fairness) -> Iterator[str]:
    """Say which gaps are beyond the tolerance, and not by chance alone: the interval's lower end is beyond it."""
    for column in dict.fromkeys(report.column for report in reports):
        judged = [one for one in reports if one.column == column and one.leavers >= tolerance.smallest_group]
        if len(judged) < 2:
            continue
        best, worst = max(judged, key=lambda one: one.found.value), min(judged, key=lambda one: one.found.value)
        gap = difference(best.found, worst.found)
        if gap.low > tolerance.max_recall_gap:
            yield (
                f"{best.found.value:.0%} of those who leave are found among {best.group}, "
                f"{worst.found.value:.0%} among {worst.group}: the gap of {gap.value:.2f} "
                f"({gap.low:.2f} – {gap.high:.2f}) is beyond fairness.max_recall_gap {tolerance.max_recall_gap:g}"
            )


def fairness_markdown(reports: Sequence[GroupReport]) -> str:
    """Return the reports as a Markdown table."""
    head = (
        "| group | customers | left | leavers found | calls that are right | gets an offer | … at equal value | "
        "predicted − observed |\n|---|--:|--:|---|---|---|--:|--:|\n"
    )
    return head + "".join(
        f"| {one.group} | {one.customers:,} | {one.leavers:,} | {_words(one.found)} | {_words(one.right)} | "
        f"{_words(one.offered)} | {one.offered_at_equal_value:.0%} | {one.predicted_minus_observed:+.3f} |\n"
        for one in reports
    )


def _report(column: str, group: str, mask: np.ndarray, decided: Decided) -> GroupReport:
    labels, at_risk = decided.labels[mask] == 1, decided.scores[mask] >= decided.threshold
    hits = int((labels & at_risk).sum())
    return GroupReport(
        column=column,
        group=group,
        customers=int(mask.sum()),
        leavers=int(labels.sum()),
        found=share(hits, int(labels.sum())),
        right=share(hits, int(at_risk.sum())),
        offered=share(int(at_risk.sum()), int(mask.sum())),
        offered_at_equal_value=_standardised(mask, decided),
        predicted_minus_observed=float(decided.scores[mask].mean() - labels.mean()),
    )


def _standardised(mask: np.ndarray, decided: Decided) -> float:
    """Weigh the group's offers within thirds of value by how many of all customers are in each third."""
    at_risk = decided.scores >= decided.threshold
    if decided.values is None:
        return float(at_risk[mask].mean())
    edges = np.quantile(decided.values, np.arange(1, STRATA) / STRATA)
    stratum = np.searchsorted(edges, decided.values, side="right")
    held = [(float((stratum == one).mean()), at_risk[mask & (stratum == one)]) for one in range(STRATA)]
    weight = sum(part for part, offers in held if len(offers))
    return float(sum(part * offers.mean() for part, offers in held if len(offers)) / weight)


def _words(one: Estimate) -> str:
    return "–" if np.isnan(one.value) else f"{one.value:.0%} ({one.low:.0%} – {one.high:.0%})"
