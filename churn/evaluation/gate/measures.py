"""The old judgement of two measures; goes when the stage gives evidence."""

import math
from collections.abc import Iterator, Mapping, Sequence

from churn.evaluation.gate.parameters import Gate
from churn.evaluation.gate.verdict import Verdict


def judge_measures(
    candidate: Mapping[str, float],
    production: Mapping[str, float] | None,
    gate: Gate,
    *,
    objections: Sequence[str] = (),
) -> Verdict:
    """Hold the candidate against the floor and, when there is one, against production on the same rows."""
    reasons = (*_objections(candidate, production, gate), *objections)
    return Verdict("reject" if reasons else "promote", reasons)


def _objections(candidate: Mapping[str, float], production: Mapping[str, float] | None, gate: Gate) -> Iterator[str]:
    roc_auc, brier = candidate["roc_auc"], candidate["brier"]
    if not roc_auc >= gate.min_roc_auc:
        yield f"roc_auc {roc_auc:.4f} is not at or above the floor {gate.min_roc_auc:.4f}"
    if math.isnan(brier):
        yield "brier is not a number"
    if production is None:
        return
    old_roc_auc, old_brier = production["roc_auc"], production["brier"]
    if not old_roc_auc - roc_auc <= gate.max_roc_auc_drop:
        yield f"roc_auc {roc_auc:.4f} is more than {gate.max_roc_auc_drop} below production's {old_roc_auc:.4f}"
    if not math.isnan(brier) and not brier - old_brier <= gate.max_brier_rise:
        yield f"brier {brier:.4f} is more than {gate.max_brier_rise} above production's {old_brier:.4f}"
