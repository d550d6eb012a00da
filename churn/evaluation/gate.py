"""The gate: may a candidate take production's place? Pure, and with all reasons at once."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


class Gate(BaseModel):
    """What a candidate has to reach; section `gate` of the parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_roc_auc: float = 0.7
    """Floor on the evaluation rows."""

    max_roc_auc_drop: float = 0.005
    """How much worse than production it may be on the same rows."""

    max_brier_rise: float = 0.005
    """How much worse calibrated and resolved than production it may be on the same rows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate said; no reasons against means yes."""

    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """True when nothing speaks against the candidate."""
        return not self.reasons


def judge(
    candidate: Mapping[str, float],
    production: Mapping[str, float] | None,
    gate: Gate,
    *,
    objections: Sequence[str] = (),
) -> Verdict:
    """Hold the candidate against the floor and, when there is one, against production on the same rows.

    Args:
        candidate: `roc_auc` and `brier` of the candidate.
        production: the same measures of production on the same rows; None when nothing is in production.
        gate: the bounds.
        objections: reasons against that were found elsewhere, such as a gap between protected groups.
    """
    return Verdict((*_objections(candidate, production, gate), *objections))


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
