"""The label study: what another horizon, or another lead time, would make of the labels."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, Field

from churn.contract.proxy import Days, Inactivity
from churn.errors import TableError
from churn.evaluation.shares import share
from churn.labels.customers import eligible
from churn.labels.events import Events, date_of, day_number
from churn.labels.features import features_at
from churn.labels.outcome import is_silent
from churn.labels.truth import Agreement, Truth, agreement


class LogTooShortError(TableError):
    """The log leaves no room for history, outcome and follow-up."""


class StudyParameters(BaseModel, frozen=True, extra="forbid"):
    """What is swept, and what is asked of a label."""

    horizons_days: tuple[Days, ...] = Field(min_length=1)
    leads_days: tuple[int, ...] = ()
    follow_up_days: int = Field(ge=1)
    """How long after the outcome window is looked whether those who left came back."""

    history_days: int = Field(ge=1)
    """The study's date has at least so many days of events before it."""

    returned_at_most: float = Field(gt=0, lt=1)
    """A label is stable when no larger share of those who left comes back in the follow-up."""


@dataclass(frozen=True, slots=True)
class StudyRow:
    """What one horizon and lead make of the same customers.

    Attributes:
        base_rate: share of customers who left.
        returned: share of them with an event in the days that follow the outcome window; with a 95 % interval.
        agreement: with the true labels, where there are some.
    """

    lead_days: int
    horizon_days: int
    customers: int
    base_rate: float
    returned: float
    returned_low: float
    returned_high: float
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True)
class LabelStudy:
    """A sweep over horizons and leads on one observation date.

    Attributes:
        day: the date, in days since 1970-01-01: the latest that leaves a follow-up to the longest horizon.
        lead_days: the contract's.
        horizon_days: the contract's.
        left_out: horizons for which the log is too short.
        recommended_days: the horizon that the study prefers.
        reason: why.
    """

    day: int
    lead_days: int
    horizon_days: int
    follow_up_days: int
    returned_at_most: float
    rows: tuple[StudyRow, ...]
    left_out: tuple[int, ...]
    recommended_days: int
    reason: str


def study_labels(
    events: Events, proxy: Inactivity, parameters: StudyParameters, truth: Truth | None = None
) -> LabelStudy:
    """Sweep horizons and leads over the same customers, on one date, with one length of follow-up.

    Raises:
        LogTooShortError: there is no room for any horizon, or no customer on the study's date.
        TableError: true labels are given, and hardly any customer has one.
    """
    leads = sorted({proxy.lead_days, *parameters.leads_days})
    horizons = sorted({proxy.horizon_days, *parameters.horizons_days})
    fitting = [days for days in horizons if _latest_day(events, max(leads) + days, parameters) is not None]
    if not fitting:
        raise LogTooShortError(
            f"the log is too short for a label study: it takes {parameters.history_days} days of history, "
            f"{min(horizons)} of outcome and {parameters.follow_up_days} of follow-up"
        )
    day = _study_day(events, proxy, max(leads) + max(fitting), parameters)
    chosen = np.flatnonzero(eligible(features_at(events, day, proxy), proxy)[0])
    if not len(chosen):
        raise LogTooShortError(f"no label study: no customer is eligible on {date_of(day)}")
    pairs = [(lead, days) for lead in leads for days in fitting]
    rows = tuple(_row(events, (day, lead, days, parameters.follow_up_days), chosen, truth) for lead, days in pairs)
    recommended, reason = _recommend([row for row in rows if row.lead_days == proxy.lead_days], parameters)
    return LabelStudy(
        day=day,
        lead_days=proxy.lead_days,
        horizon_days=proxy.horizon_days,
        follow_up_days=parameters.follow_up_days,
        returned_at_most=parameters.returned_at_most,
        rows=rows,
        left_out=tuple(days for days in horizons if days not in fitting),
        recommended_days=recommended,
        reason=reason,
    )


def _latest_day(events: Events, outcome_days: int, parameters: StudyParameters) -> int | None:
    day = events.last_day - outcome_days - parameters.follow_up_days
    return day if day - int(events.day.min()) >= parameters.history_days else None


def _study_day(events: Events, proxy: Inactivity, outcome_days: int, parameters: StudyParameters) -> int:
    """Not later than the contract's own last date, whose customers the labels are for."""
    latest = events.last_day - outcome_days - parameters.follow_up_days
    own = day_number(proxy.dates[-1]) if isinstance(proxy.dates, tuple) else latest
    return min(own, latest)


def _row(events: Events, when: tuple[int, int, int, int], chosen: np.ndarray, truth: Truth | None) -> StudyRow:
    day, lead, horizon, follow_up = when
    has_left = is_silent(events, day, lead_days=lead, horizon_days=horizon)[chosen]
    stays_away = is_silent(events, day + lead, lead_days=horizon, horizon_days=follow_up)[chosen]
    back = share(int((has_left & ~stays_away).sum()), int(has_left.sum()))
    return StudyRow(
        lead_days=lead,
        horizon_days=horizon,
        customers=len(chosen),
        base_rate=float(has_left.mean()),
        returned=back.value,
        returned_low=back.low,
        returned_high=back.high,
        agreement=None if truth is None else agreement(events.names[chosen], has_left, truth),
    )


def _recommend(rows: list[StudyRow], parameters: StudyParameters) -> tuple[int, str]:
    """With true labels the best agreement; else the shortest horizon after which few come back."""
    agreed = [(row.agreement.kappa, -row.horizon_days, row) for row in rows if row.agreement]
    if agreed:
        kappa, _, best = max(agreed, key=lambda one: one[:2])
        return best.horizon_days, f"it agrees best with the true labels (kappa {kappa:.2f})"
    follow_up, most = parameters.follow_up_days, parameters.returned_at_most
    for row in _stable(rows, most):
        return row.horizon_days, (
            f"it is the shortest after which at most {most:.0%} of those who left come back within {follow_up} days "
            f"({row.returned:.1%}, interval up to {row.returned_high:.1%})"
        )
    counted = [row for row in rows if row.base_rate > 0]
    if not counted:
        return rows[0].horizon_days, "nobody was silent for so long: study shorter horizons"
    best = min(counted, key=lambda row: row.returned)
    return best.horizon_days, (
        f"no horizon is stable: after {best.horizon_days} days of silence {best.returned:.1%} still come back within "
        f"{follow_up} days, more than {most:.0%}; this is the least"
    )


def _stable(rows: list[StudyRow], most: float) -> Iterator[StudyRow]:
    """The interval counts, not the estimate: few customers prove no stability."""
    return (row for row in rows if row.returned_high <= most)
