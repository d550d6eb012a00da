"""Whether to train anew: facts in, a decision with its reasons out. Pure, so that every case can be tried."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

LONGEST_BACKOFF_HOURS = 7 * 24.0


class RetrainRules(BaseModel):
    """What has to hold before a training begins; part of the parameters of `retrain`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_age_days: float = Field(gt=0)
    """Production's training is older: train by schedule."""

    min_profit_change: float = Field(ge=0)
    """Drift that changes the expected profit of a customer by less, in the contract's currency, is not worth it."""

    max_evidence_days: float = Field(gt=0)
    """Drift and performance that were measured longer ago say nothing about now."""

    min_new_labels: int = Field(ge=1)
    """Customers whose outcome production's training could not know."""

    min_new_leavers: int = Field(ge=1)
    """Of them, so many left, and so many stayed."""

    min_comparison_rows: int = Field(ge=1)
    """Customers on whom candidate and production can be compared, later than what both were trained on."""

    min_comparison_leavers: int = Field(ge=1)
    """Of them, so many left, and so many stayed."""

    cooldown_hours: float = Field(ge=0)
    """After an attempt that ended, with a promotion or without."""

    backoff_hours: float = Field(ge=0)
    """After an attempt that failed; doubled with each further failure in a row, up to a week."""


@dataclass(frozen=True, slots=True)
class DriftEvidence:
    """The newest drift run of the version in production.

    Attributes:
        profit_change: of a customer's expected profit, in the contract's currency; None: not known.
    """

    age_days: float
    is_detected: bool
    is_prediction_drifted: bool
    profit_change: float | None


@dataclass(frozen=True, slots=True)
class PerformanceEvidence:
    """The newest performance run of the version in production."""

    age_days: float
    is_degraded: bool
    words: str


@dataclass(frozen=True, slots=True)
class Labels:
    """Labelled customers of some kind."""

    rows: int
    leavers: int

    def reach(self, rows: int, of_each_kind: int) -> bool:
        """Say whether there are so many, and so many of them left and so many stayed."""
        return self.rows >= rows and min(self.leavers, self.rows - self.leavers) >= of_each_kind


@dataclass(frozen=True, slots=True)
class Attempts:
    """Earlier attempts to train.

    Attributes:
        hours_since: the newest one was begun.
        failures: in a row, the newest first.
    """

    hours_since: float
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a decision is taken from.

    Attributes:
        production: version; None: there is none.
        age_days: of production's training; None: not known.
        new_labels: what production's training could not know.
        comparison: labelled customers later than what production and a candidate are trained on.
        is_same_data: a training would see what the newest one saw.
        is_table_given: somebody brought a table: it is trained on, and compared on, as it is.
        forced: why somebody wants it in any case; "": nobody does.
    """

    production: int | None
    age_days: float | None
    drift: DriftEvidence | None
    performance: PerformanceEvidence | None
    new_labels: Labels
    comparison: Labels
    is_same_data: bool
    is_table_given: bool = False
    attempts: Attempts | None = None
    forced: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Train or wait, and why, in sentences."""

    decision: Literal["train", "wait"]
    reasons: tuple[str, ...]


def decide(situation: Situation, rules: RetrainRules) -> Decision:
    """Decide whether to train anew.

    Something must call for it (age, drift, performance, or a person), and nothing may stand against it. A person's
    wish overrides too few new labels and the pause after an attempt; neither the same data nor a comparison that
    could not be made.
    """
    calls, obstacles = tuple(_calls(situation, rules)), tuple(_obstacles(situation, rules))
    if obstacles:
        return Decision("wait", (*obstacles, *(f"it would be due: {call}" for call in calls)))
    if not calls:
        return Decision("wait", (_quiet(situation, rules),))
    return Decision("train", calls)


def _calls(situation: Situation, rules: RetrainRules) -> Iterator[str]:
    """Say what calls for a training, the weightiest first."""
    if situation.forced:
        yield f"asked for: {situation.forced}"
    performance, drift = situation.performance, situation.drift
    if performance and performance.is_degraded and performance.age_days <= rules.max_evidence_days:
        yield f"performance is degraded: {performance.words}"
    if drift and drift.age_days <= rules.max_evidence_days:
        yield from _drift_calls(drift, rules)
    if situation.age_days is not None and situation.age_days >= rules.max_age_days:
        yield f"production was trained {situation.age_days:.0f} days ago, and {rules.max_age_days:g} are allowed"


def _drift_calls(drift: DriftEvidence, rules: RetrainRules) -> Iterator[str]:
    if drift.is_prediction_drifted:
        yield "the predicted probability has drifted"
    if not drift.is_detected:
        return
    if drift.profit_change is None:
        yield "customers have drifted, and what that costs is not known"
    elif abs(drift.profit_change) >= rules.min_profit_change:
        yield f"customers have drifted, which changes the expected profit of each by {drift.profit_change:+.2f}"


def _obstacles(situation: Situation, rules: RetrainRules) -> Iterator[str]:
    """Say what stands against a training, the weightiest first."""
    if situation.production is None:
        yield "nothing is in production: `churn ring` trains and promotes the first version"
        return
    if situation.is_same_data:
        yield "the data is that of the newest training: the same model would come out of it"
    if not situation.forced and situation.attempts:
        yield from _pauses(situation.attempts, rules)
    if not situation.is_table_given:
        yield from _shortages(situation, rules)


def _pauses(attempts: Attempts, rules: RetrainRules) -> Iterator[str]:
    pause = rules.cooldown_hours
    if attempts.failures:
        pause = min(rules.backoff_hours * 2.0 ** min(attempts.failures - 1, 60), LONGEST_BACKOFF_HOURS)
    if attempts.hours_since < pause:
        what = f"the last {attempts.failures} attempts failed" if attempts.failures else "there was an attempt"
        yield f"{what}, {attempts.hours_since:.1f} hours ago: the next may be after {pause:g}"


def _shortages(situation: Situation, rules: RetrainRules) -> Iterator[str]:
    new, comparison = situation.new_labels, situation.comparison
    if not situation.forced and not new.reach(rules.min_new_labels, rules.min_new_leavers):
        yield (
            f"{new.rows} customers with a new outcome, {new.leavers} of whom left: {rules.min_new_labels} are needed, "
            f"{rules.min_new_leavers} of each kind"
        )
    if not comparison.reach(rules.min_comparison_rows, rules.min_comparison_leavers):
        yield (
            f"{comparison.rows} customers, {comparison.leavers} of whom left, are later than what both versions would "
            f"be trained on: {rules.min_comparison_rows} are needed to compare them, "
            f"{rules.min_comparison_leavers} of each kind"
        )


def _quiet(situation: Situation, rules: RetrainRules) -> str:
    """Say that nothing calls for it, and what was looked at."""
    drift, performance = situation.drift, situation.performance
    seen = [
        "its age is not known" if situation.age_days is None else f"it is {situation.age_days:.0f} days old",
        _state(drift.age_days if drift else None, "drift", "no drift that matters", rules),
        _state(performance.age_days if performance else None, "performance", "performance not degraded", rules),
    ]
    return f"nothing calls for it: version {situation.production} is in production, {', '.join(seen)}"


def _state(age_days: float | None, what: str, words: str, rules: RetrainRules) -> str:
    if age_days is None:
        return f"its {what} was never measured"
    return words if age_days <= rules.max_evidence_days else f"its {what} was last measured {age_days:.0f} days ago"
