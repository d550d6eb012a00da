"""Leaks: did the candidate's training pass its audit, and does any of its columns know the outcome of unseen rows?"""

from collections.abc import Iterator

from churn.evaluation.audit import Audited, AuditLimits, Finding
from churn.evaluation.gate import Guard
from churn.evaluation.leakage import audit_columns
from pipelines.gating.limits import Limits
from pipelines.gating.sides import Side
from pipelines.gating.unseen import Unseen

NAME = "leakage"


def leak_guard(candidate: Side, production: Side | None, unseen: Unseen | None, limits: Limits) -> Guard:
    """Reject a version that may know the outcome.

    A column that the contract trusts passes when production's contract trusts it too, or nothing is in production:
    trust that nobody has promoted yet is worth a person's second look, who may override.

    Args:
        candidate: the version.
        production: what it is held against.
        unseen: rows to look at its columns on; None: they are too few for that.
        limits: the bounds.
    """
    of_columns = tuple(_of_columns(candidate, production, unseen, limits)) if unseen else ()
    problems = (*_of_training(candidate), *of_columns)
    if problems:
        return Guard(NAME, "failed", f"leakage: {'; '.join(problems)}", {"findings": float(len(problems))})
    looked = ", and no column tells who left" if unseen else ""
    return Guard(NAME, "passed", f"its training passed the leakage audit{looked}", {"findings": 0.0})


def _of_training(candidate: Side) -> Iterator[str]:
    found = candidate.run.data.tags.get("leakage_audit")
    if found is None:
        yield "its training kept no leakage audit"
    elif found != "passed":
        yield f"the leakage audit of its training did not pass: see audit.md of run {candidate.run.info.run_id}"


def _of_columns(candidate: Side, production: Side | None, unseen: Unseen, limits: Limits) -> Iterator[str]:
    """The first finding of each column: the others say the same in other words."""
    audited = Audited(unseen.columns[0], unseen.target, groups=unseen.groups)
    trusted = candidate.scorer.contract.trusted
    known = production.scorer.contract.trusted if production else trusted
    named: set[str] = set()
    for finding in audit_columns(candidate.scorer.contract, audited, AuditLimits(alarm=limits.leak_alarm)):
        is_new_trust = finding.column in trusted and finding.column not in known
        if (finding.is_refusal or is_new_trust) and finding.column not in named:
            named.add(finding.column)
            yield _words(finding, is_new_trust)


def _words(finding: Finding, is_new_trust: bool) -> str:  # noqa: FBT001  the one fact beside the finding
    more = ", and production's contract does not trust it" if is_new_trust else ""
    return f"column {finding.column!r} {finding.text}{more}"
