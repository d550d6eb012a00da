"""The judgement: what the evidence says of the candidate."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from churn.errors import UsageError
from churn.evaluation.gate.evidence import Contender, Evidence, Rows
from churn.evaluation.gate.guards import guard_alone, guard_beside
from churn.evaluation.gate.money import compare_profit, decide
from churn.evaluation.gate.parameters import Gate
from churn.evaluation.gate.parts import guard_parts
from churn.evaluation.gate.ranking import is_rankable
from churn.evaluation.gate.verdict import Decision, Guard, Outcome, ProfitTest, Verdict
from churn.evaluation.gate.words import profit_words

ALONE = "nothing is in production to be held against"


def judge(evidence: Evidence, gate: Gate) -> Verdict:
    """Hold the candidate against every guard-rail and, when there is one, against production in money.

    A guard-rail that fails, or a sure loss, rejects; what is not sure holds; only a sure gain that is worth a move
    promotes. Without production, the guard-rails decide.

    Raises:
        UsageError: the evidence holds what can't be judged: no rows, shapes that differ, a probability that is none.
    """
    _require_sound(evidence)
    evidence = replace(evidence, rows=_with_numbered_groups(evidence.rows))
    guards = [*guard_alone(evidence.rows, evidence.candidate, gate)]
    test = None
    if evidence.production is not None and is_rankable(evidence.rows.target):
        test, of_both = _beside(evidence.rows, evidence.candidate, evidence.production, gate)
        guards += of_both
    return _verdict((*guards, *evidence.guards), test, len(evidence.rows.target))


def _beside(rows: Rows, candidate: Contender, production: Contender, gate: Gate) -> tuple[ProfitTest, list[Guard]]:
    test = compare_profit(rows, candidate, production, gate)
    of_parts = guard_parts(rows, (candidate, production), test.production, gate)
    return test, [*guard_beside(rows, candidate, production, gate), of_parts]


def _verdict(guards: tuple[Guard, ...], test: ProfitTest | None, rows: int) -> Verdict:
    by_profit: Decision = decide(test) if test else "promote"
    said = profit_words(test) if test else ALONE
    failed, undecided = (_words(guards, outcome) for outcome in ("failed", "undecided"))
    if failed or by_profit == "reject":
        reasons = (*failed, *([said] if by_profit == "reject" else []))
        return Verdict("reject", reasons, test, guards, rows)
    if undecided or by_profit == "hold":
        return Verdict("hold", (*([said] if by_profit == "hold" else []), *undecided), test, guards, rows)
    return Verdict("promote", (said,), test, guards, rows)


def _words(guards: tuple[Guard, ...], outcome: Outcome) -> list[str]:
    return [one.words for one in guards if one.outcome == outcome]


def _with_numbered_groups(rows: Rows) -> Rows:
    """Numbers are sorted far quicker than ids, and that is done for every part."""
    return rows if rows.groups is None else replace(rows, groups=np.unique(rows.groups, return_inverse=True)[1])


def _require_sound(evidence: Evidence) -> None:
    if problems := "; ".join(_problems(evidence)):
        raise UsageError(f"the evidence can't be judged: {problems}")


def _problems(evidence: Evidence) -> Iterator[str]:
    shape = np.shape(evidence.rows.target)
    if len(shape) != 1 or not shape[0]:
        yield f"the target needs the shape (rows,) and at least one row, not {shape}"
    for name, values in _arrays(evidence):
        if np.shape(values) != shape:
            yield f"{name} has the shape {np.shape(values)}, the target {shape}"
        elif values.dtype.kind in "fiu" and not np.isfinite(values).all():
            yield f"{name} holds {int((~np.isfinite(values)).sum())} values that are no number"
        elif name.endswith("probability") and not ((values >= 0) & (values <= 1)).all():
            yield f"{name} holds values outside 0 … 1"
    if not np.isin(evidence.rows.target, (0, 1)).all():
        yield "the target holds more than 0 and 1"


def _arrays(evidence: Evidence) -> Iterator[tuple[str, np.ndarray]]:
    yield "earned", evidence.rows.earned
    if evidence.rows.groups is not None:
        yield "groups", evidence.rows.groups
    for part, mask in evidence.rows.parts.items():
        yield f"part {part!r}", mask
    for name, side in (("the candidate's", evidence.candidate), ("production's", evidence.production)):
        if side is not None:
            yield f"{name} probability", side.probability
            yield f"{name} promised profit", side.promised
