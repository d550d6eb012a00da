"""The leakage audit: does anything that the model sees know the outcome? It must pass, or nothing is registered."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from churn.contract.contract import Contract
from churn.evaluation.audit import Audit, Audited, AuditLimits, Finding
from churn.evaluation.column_leaks import Suspect, column_findings
from churn.evaluation.folds import Fold
from churn.evaluation.row_leaks import Control, same_customer, shuffled, too_good, twins

COLUMN_CHECKS = ("single column", "one class only", "same as target", "id")
ROW_CHECKS = ("same customer", "twins")


def audit(
    contract: Contract,
    audited: Audited,
    folds: Sequence[Fold],
    *,
    control: Control | None = None,
    scores: np.ndarray | None = None,
    limits: AuditLimits | None = None,
) -> Audit:
    """Audit the inputs of a contract, the folds and, when they are given, the training and its scores.

    A column under `trusted:` is checked like the others, and what is found about it is a note.

    Args:
        contract: names the input columns and the target.
        audited: the rows.
        folds: one repeat of `make_folds`.
        control: fits on a frame and labels and scores another frame; called once per fold with shuffled labels.
        scores: pooled out-of-fold scores of the chosen model, shape (rows,) or (repeats, rows).
        limits: from where on a number speaks of leakage.
    """
    limits = limits or AuditLimits()
    findings = [
        *audit_columns(contract, audited, limits),
        *same_customer(audited, folds),
        *twins(audited, folds, limits),
        *(shuffled(audited, folds, control, limits) if control else ()),
        *(too_good(audited.labels, scores, limits) if scores is not None else ()),
    ]
    optional = {"shuffled outcomes": control, "too good": scores}
    asked = (name for name, given in optional.items() if given is not None)
    return Audit(tuple(findings), (*COLUMN_CHECKS, *ROW_CHECKS, *asked))


def audit_columns(contract: Contract, audited: Audited, limits: AuditLimits) -> Iterator[Finding]:
    """Audit the inputs of a contract alone; what is found about a column under `trusted:` is a note."""
    left, units = audited.labels == 1, _units(audited)
    for name, column in contract.columns.items():
        suspect = Suspect(name, column, audited.columns[name], left, units)
        for finding in column_findings(suspect, contract.target.column, limits):
            yield _trusted(finding, contract.trusted[name]) if name in contract.trusted else finding


def _units(audited: Audited) -> np.ndarray:
    """Return the number of what was drawn independently: the row's group, else its customer."""
    names = audited.groups if audited.groups is not None else audited.ids
    return np.arange(len(audited.labels)) if names is None else np.unique(names, return_inverse=True)[1]


def _trusted(finding: Finding, reason: str) -> Finding:
    return replace(finding, text=f"{finding.text}; trusted: {reason}", is_refusal=False)
