"""Parts of the customers: a gain on the whole hides nobody who is served worse.

Every part is looked at twice: how well its customers are ranked, and what a campaign to the same share of them alone
earns. (What the campaign to all earns in a part falls wherever a better candidate finds better customers elsewhere.)
So many looks find something by chance: those that count are held to a corrected level (Holm, 1979).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from churn.evaluation.gate.contacts import contact
from churn.evaluation.gate.evidence import Contender, Rows
from churn.evaluation.gate.measured import TAIL, Measured, measure_by
from churn.evaluation.gate.parameters import Gate
from churn.evaluation.gate.ranking import is_rankable, places, rank
from churn.evaluation.gate.verdict import Guard

MOST_SAID = 3
"""Parts that a sentence names; the numbers name all."""

SMALLEST = 1e-9


@dataclass(frozen=True, slots=True)
class Seen:
    """What is asked of every part.

    Attributes:
        places: how each version ranks the rows, the candidate first; both of shape (rows,).
        production_profit: what production's campaign earns per customer of all rows: what counts as much in a part.
    """

    rows: Rows
    sides: tuple[Contender, Contender]
    places: tuple[np.ndarray, np.ndarray]
    production_profit: float
    gate: Gate


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


def guard_parts(rows: Rows, sides: tuple[Contender, Contender], production_profit: float, gate: Gate) -> Guard:
    """Look at every part that is large enough.

    Args:
        rows: with the parts.
        sides: the candidate, then production.
        production_profit: of production's campaign, per customer of all rows.
        gate: the bounds.
    """
    seen = Seen(rows, sides, (places(sides[0].probability), places(sides[1].probability)), production_profit, gate)
    looks = [look for name, mask in rows.parts.items() for look in _looks(name, mask, seen)]
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


def _looks(name: str, mask: np.ndarray, seen: Seen) -> Iterator[Look]:
    target, gate = seen.rows.target[mask], seen.gate
    if len(target) < gate.smallest_part or not is_rankable(target):
        return
    groups = None if seen.rows.groups is None else seen.rows.groups[mask]
    new, old = (rank(target, place[mask]) for place in seen.places)
    ranked = measure_by(new.roc_auc - old.roc_auc, new.influence - old.influence, groups)
    yield Look(name, "roc_auc", ranked, gate.max_part_roc_auc_drop, "")
    mine, theirs = (contact(one.promised[mask], seen.rows.earned[mask], gate.campaign_share) for one in seen.sides)
    profit = measure_by(mine.profit - theirs.profit, mine.influence - theirs.influence, groups)
    before = max(abs(theirs.profit), abs(seen.production_profit))
    bound = before * gate.max_part_profit_drop_percent / 100
    yield Look(name, "profit of a campaign to them alone", profit, bound, f" {seen.rows.currency} per customer")


def _surely_worse(looks: Sequence[Look]) -> Iterator[Look]:
    """Holm's step-down over one-sided tests."""
    ordered = sorted(looks, key=lambda one: one.gain.p_below)
    for step, look in enumerate(ordered):
        if look.gain.p_below > TAIL / (len(ordered) - step):
            return
        yield look
