"""The verdict: promote, hold or reject, with all reasons and what they rest on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Decision = Literal["promote", "hold", "reject"]
Outcome = Literal["passed", "failed", "undecided"]


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard-rail: what a better profit does not excuse.

    Attributes:
        name: what was looked at, such as roc_auc, calibration or latency.
        outcome: failed rejects the candidate; undecided holds it.
        words: a sentence with the measure, the numbers and the bound.
        numbers: the same numbers for programs.
    """

    name: str
    outcome: Outcome
    words: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProfitTest:
    """The candidate's campaign beside production's; money is per customer of the rows, contacted or not.

    Attributes:
        currency: of all amounts; or what is counted, where nothing is known of money.
        candidate: what the candidate's campaign earned.
        production: what production's earned.
        difference: the candidate's less production's.
        low: lower end of its 95 % interval.
        high: upper end of it.
        p_value: how often chance alone shows such a gain between equals; one-sided.
        worth: the least gain worth a move.
        rows: labelled rows that it rests on.
        deciding: rows that only one of both would contact.
        campaign_share: share of customers that a campaign can contact; None: no limit.
        labels_needed: how many more labelled rows would show, with a chance of 80 %, the gain that was seen, or one
            worth a move when less was seen; None: the rows are enough, or no number of them would tell.
    """

    currency: str
    candidate: float
    production: float
    difference: float
    low: float
    high: float
    p_value: float
    worth: float
    rows: int
    deciding: int
    campaign_share: float | None
    labels_needed: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate said of a version.

    Attributes:
        decision: promote; hold: not enough evidence; reject.
        reasons: why, in sentences: all of them at once.
        profit: None when nothing was in production, or nothing could be measured.
        guards: every guard-rail that was looked at.
        rows: labelled rows that were judged on.
    """

    decision: Decision
    reasons: tuple[str, ...]
    profit: ProfitTest | None = None
    guards: tuple[Guard, ...] = ()
    rows: int = 0

    @property
    def passed(self) -> bool:
        """True when the version may take production's place."""
        return self.decision == "promote"
