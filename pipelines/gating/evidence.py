"""The evidence that the gate judges: what both versions say of the unseen rows, and what else was found."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from churn.contract.table import Columns
from churn.evaluation.bands import groups_of
from churn.evaluation.fairness import Decided, group_reports, unfair
from churn.evaluation.gate import Contender, Evidence, Guard, Rows
from churn.scoring.scorer import Scorer
from pipelines.gating.leaks import leak_guard
from pipelines.gating.limits import Limits
from pipelines.gating.origin import contract_guard, origin_guard
from pipelines.gating.sides import Side
from pipelines.gating.speed import latency_guard, size_guard
from pipelines.gating.unseen import Unseen
from pipelines.holdout import read_holdout

COUNTED = "leavers reached"


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be judged; `production` is None when there is nothing to compare with."""

    candidate: Side
    production: Side | None
    unseen: Unseen
    limits: Limits

    @property
    def sides(self) -> tuple[Side, ...]:
        """The candidate, then production when there is one: as `unseen.columns` is ordered."""
        return (self.candidate, *((self.production,) if self.production else ()))


def evidence_of(case: Case) -> Evidence:
    """Score the unseen rows with both versions, and look at everything that scores do not tell."""
    scored = [
        side.scorer.score_columns(columns).astype(np.float64)
        for side, columns in zip(case.sides, case.unseen.columns, strict=True)
    ]
    contenders = [_contender(case, place, scores) for place, scores in enumerate(scored)]
    return Evidence(
        rows=_rows(case),
        candidate=contenders[0],
        production=contenders[1] if len(contenders) > 1 else None,
        guards=(*guards_of(case), _fairness_guard(case.candidate.scorer, case.unseen, scored[0])),
    )


def guards_of(case: Case) -> tuple[Guard, ...]:
    """Look at what scores do not tell: rows, leaks, origin, contract, size; latency when rows can be timed."""
    candidate, production, limits = case.candidate, case.production, case.limits
    rows = case.unseen.guard(limits)
    found = (
        rows,
        leak_guard(candidate, production, case.unseen if rows.outcome == "passed" else None, limits),
        origin_guard(candidate, read_holdout(candidate.run)),
        contract_guard(candidate, production),
        size_guard(candidate, production, limits),
    )
    if rows.outcome != "passed":
        return found
    return (*found, latency_guard([side.scorer for side in case.sides], case.unseen.columns, limits))


def _rows(case: Case) -> Rows:
    """Count what contacting each earned by the candidate's economics, the newest; without any, the leavers reached."""
    scorer, target, columns = case.candidate.scorer, case.unseen.target, case.unseen.columns[0]
    stakes = scorer.standings.stakes(columns)
    return Rows(
        target=target,
        earned=target.astype(np.float64) if stakes is None else np.where(target == 1, stakes[1], stakes[0]),
        groups=case.unseen.groups,
        parts=dict(_parts(scorer, columns)),
        currency=scorer.currency if stakes is not None and scorer.currency else COUNTED,
    )


def _parts(scorer: Scorer, columns: Columns) -> Iterator[tuple[str, np.ndarray]]:
    for name in scorer.contract.columns:
        yield from groups_of(scorer.contract, columns, name)


def _contender(case: Case, place: int, probability: np.ndarray) -> Contender:
    """A version promises by its own economics; one that has none, where the candidate has some, by the candidate's."""
    scorer = case.sides[place].scorer
    common = case.candidate.scorer.standings.stakes(case.unseen.columns[0])
    stakes = None if common is None else scorer.standings.stakes(case.unseen.columns[place]) or common
    promised = probability if stakes is None else stakes[0] + probability * (stakes[1] - stakes[0])
    return Contender(probability, promised, scorer.threshold)


def _fairness_guard(scorer: Scorer, unseen: Unseen, scores: np.ndarray) -> Guard:
    """Hold gaps between protected groups against the contract's tolerance."""
    tolerance = scorer.contract.fairness
    if tolerance is None:
        return Guard("fairness", "passed", "the contract asks for no comparison of protected groups")
    decided = Decided(unseen.columns[0], unseen.target, scores, scorer.threshold)
    found = tuple(unfair(group_reports(scorer.contract, decided), tolerance))
    numbers = {"gaps": float(len(found)), "tolerance": tolerance.max_recall_gap}
    if found:
        return Guard("fairness", "failed", f"fairness: {'; '.join(found)}", numbers)
    words = f"no gap between protected groups is surely beyond {tolerance.max_recall_gap:g}"
    return Guard("fairness", "passed", words, numbers)
