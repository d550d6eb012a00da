"""What a leakage audit says: its limits, its findings, and whether a model may be registered."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from churn.contract.table import Columns
from churn.errors import LeakageError


class AuditLimits(BaseModel):
    """From where on a number speaks of leakage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column_auc: float = Field(default=0.85, gt=0.5, le=1)
    """ROC-AUC that no honest column reaches alone: on Telco the best has 0.76, the weakest leaking one 0.94, and whole
    honest models of churn mostly stay below it. The lower end of a one-sided 99.9 % interval is held against it."""

    pure_leavers: float = Field(default=0.9, gt=0, lt=1)
    """Share of leavers that an honest group of customers may have: a group of leavers only must be too large for it."""

    pure_stayers: float = Field(default=0.02, gt=0, lt=1)
    """The same for groups of stayers only, as a part of the base rate: locked-in customers hardly ever leave."""

    alarm: float = Field(default=0.001, gt=0, lt=0.5)
    """Probability of a false alarm per kind of check."""

    distinct_share: float = Field(default=0.5, gt=0, le=1)
    """Share of rows with a value of their own from which a category is an id."""

    twin_share: float = Field(default=0.01, gt=0, le=1)
    """Share of tested leavers who may have a twin in training whose outcome is always the same."""

    model_auc: float = Field(default=0.95, gt=0.5, le=1)
    """Cross-validated ROC-AUC of the whole model from which somebody should look; no refusal."""


@dataclass(frozen=True, slots=True)
class Audited:
    """The rows under audit.

    Attributes:
        columns: graph-ready columns, each of shape (rows,).
        labels: 1 for customers who left, else 0; shape (rows,).
        ids: of customers, shape (rows,); None: each row is its own customer.
        groups: rows that belong together share a value; shape (rows,).
    """

    columns: Columns
    labels: np.ndarray
    ids: np.ndarray | None = None
    groups: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check saw.

    Attributes:
        check: which one, as a word.
        column: "" when it is about rows or the model.
        value: the number that was held against the limit.
        text: what it means, as a sentence.
        is_refusal: False for what somebody should only know.
    """

    check: str
    column: str
    value: float
    limit: float
    text: str
    is_refusal: bool = True


@dataclass(frozen=True, slots=True)
class Audit:
    """What the audit found; nothing that refuses means that a model may be registered."""

    findings: tuple[Finding, ...]
    checks: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that refuse."""
        return tuple(finding for finding in self.findings if finding.is_refusal)

    @property
    def passed(self) -> bool:
        """True when no finding refuses."""
        return not self.refusals

    def require_passed(self) -> None:
        """Refuse to go on.

        Raises:
            LeakageError: names every column, its number and what to do.
        """
        if not self.passed:
            raise LeakageError(f"the leakage audit did not pass: {'; '.join(self._complaints())}. {_what_to_do(self)}")

    def as_markdown(self) -> str:
        """Return the findings as a Markdown table, refusals first."""
        verdict = "passed" if self.passed else f"did not pass: {len(self.refusals)} finding(s) refuse"
        head = f"**The leakage audit {verdict}.** Checked: {', '.join(self.checks)}.\n"
        if not self.findings:
            return head
        ordered = sorted(self.findings, key=lambda finding: not finding.is_refusal)
        return f"{head}\n| | check | column | number | limit | meaning |\n|---|---|---|--:|--:|---|\n" + "".join(
            f"| {'refused' if one.is_refusal else 'note'} | {one.check} | {_cell(one.column)} | {_number(one.value)} | "
            f"{_number(one.limit)} | {_cell(one.text)} |\n"
            for one in ordered
        )

    def _complaints(self) -> Iterable[str]:
        """The first finding of each column: the others say the same in other words."""
        first: dict[str, Finding] = {}
        for finding in self.refusals:
            first.setdefault(finding.column or finding.check, finding)
        for finding in first.values():
            yield f"{finding.column!r} {finding.text}" if finding.column else finding.text


def _what_to_do(audit: Audit) -> str:
    if not any(finding.column for finding in audit.refusals):
        return "Mend the rows or the folds, then train again."
    return (
        "List such a column under `leaking:` in the contract; when its value is really known before the customer "
        "leaves, name it under `trusted:` with the reason"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
