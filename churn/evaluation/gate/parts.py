"""Parts of the customers: a gain on the whole hides nobody who is served worse.

Every part is looked at twice, for how well its customers are ranked and for what contacting them earns. So many looks
find something by chance: those that count are held to a corrected level (Holm, 1979).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from churn.evaluation.gate.contacts import Contacts
from churn.evaluation.gate.evidence import Contender, Rows
from churn.evaluation.gate.measured import TAIL, Measured, measure_by
from churn.evaluation.gate.parameters import Gate
from churn.evaluation.gate.ranking import is_rankable, rank
from churn.evaluation.gate.verdict import Guard

MOST_SAID = 3
"""Parts that a sentence names; the numbers name all."""

SMALLEST = 1e-9


@dataclass(frozen=True, slots=True)
class Sides:
    """Both versions on the same rows, with their campaigns."""

    candidate: Contender
    production: Contender
    contacts: tuple[Contacts, Contacts]


@dataclass(frozen=True, slots=True)
class Look:
    """One measure of one part: the candidate's less production's."""

    part: str
    measure: str
    gain: Measured
    bound: float
    unit: str

    @property
    def excess(self) -> float:
        """How much more is lost than may be, in units of what may be."""
        return (-self.gain.value - self.bound) / max(self.bound, SMALLEST)

    @property
    def words(self) -> str:
        """The loss in a sentence."""
        numbers = f"{self.gain.value:+.4g} ({self.gain.low:+.4g} to {self.gain.high:+.4g}){self.unit}"
        return f"{self.part}: {self.measure} {numbers}, and it may lose {self.bound:.4g}"


def guard_parts(rows: Rows, sides: Sides, gate: Gate) -> Guard:
    """Look at every part that is large enough."""
    looks = [look for name, mask in rows.parts.items() for look in _looks((name, mask), rows, sides, gate)]
    worse = sorted((one for one in _surely_worse(looks) if one.excess > 0), key=lambda one: -one.excess)
    judged = {"judged": float(len({one.part for one in looks}))}
    if not worse:
        return Guard(
            "parts", "passed", f"surely worse for none of {judged['judged']:.0f} parts of the customers", judged
        )
    numbers = {f"{one.part}: {one.measure}": one.gain.value for one in worse}
    return Guard("parts", "failed", _words(worse), judged | numbers)


def _words(worse: Sequence[Look]) -> str:
    more = f"; and {len(worse) - MOST_SAID} more" if len(worse) > MOST_SAID else ""
    said = "; ".join(one.words for one in worse[:MOST_SAID])
    return f"worse than production for some of the customers, beyond chance: {said}{more}"


def _looks(part: tuple[str, np.ndarray], rows: Rows, sides: Sides, gate: Gate) -> Iterator[Look]:
    name, mask = part
    if mask.sum() < gate.smallest_part or not is_rankable(rows.target[mask]):
        return
    groups = None if rows.groups is None else rows.groups[mask]
    new, old = (rank(rows.target[mask], one.probability[mask]) for one in (sides.candidate, sides.production))
    ranked = measure_by(new.roc_auc - old.roc_auc, new.influence - old.influence, groups)
    yield Look(name, "roc_auc", ranked, gate.max_part_roc_auc_drop, "")
    new_weight, old_weight = (one.weight[mask] for one in sides.contacts)
    earned, gained = rows.earned[mask], (new_weight - old_weight) * rows.earned[mask]
    profit = measure_by(float(gained.mean()), gained - gained.mean(), groups)
    before = max(abs(float((old_weight * earned).mean())), abs(sides.contacts[1].profit))
    bound = before * gate.max_part_profit_drop_percent / 100
    yield Look(name, "profit per customer", profit, bound, f" {rows.currency}")


def _surely_worse(looks: Sequence[Look]) -> Iterator[Look]:
    """Holm's step-down over one-sided tests."""
    ordered = sorted(looks, key=lambda one: one.gain.p_below)
    for step, look in enumerate(ordered):
        if look.gain.p_below > TAIL / (len(ordered) - step):
            return
        yield look
