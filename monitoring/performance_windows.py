"""Windows of answers: which are due, which still wait, and the calendar weeks of both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from churn.evaluation.observed import Answers
from churn.stores.labelled import DuePrediction, Span

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Moments:
    """The times of one look: outcomes of [start, due) are due at `now`, those of [due, now) are not."""

    start: datetime
    due: datetime
    now: datetime

    @classmethod
    def at(cls, now: datetime, *, horizon: timedelta, delay: timedelta, window: timedelta) -> "Moments":
        """Return the times of a look."""
        due = now - horizon - delay
        return cls(due - window, due, now)


def spans(model: str, version: int, moments: Moments, *, limit: int) -> tuple[Span, Span]:
    """Return the predictions that are due, and those that wait."""
    return (
        Span(model, moments.start, moments.due, version, limit),
        Span(model, moments.due, moments.now, version, limit),
    )


def weeks(span: Span, *, most: int) -> Iterator[tuple[str, Span]]:
    """Yield the newest whole calendar weeks inside a span, the oldest first; Monday 00:00 UTC begins one.

    A week that lies in no span as a whole is not shown: half of its outcomes would be missing.
    """
    end = _monday(span.until)
    begins = [end - WEEK * number for number in range(most, 0, -1)]
    for begin in (one for one in begins if one >= span.since):
        year, week, _ = begin.isocalendar()
        yield f"{year}-W{week:02d}", Span(span.model_name, begin, begin + WEEK, span.model_version, span.limit)


def _monday(moment: datetime) -> datetime:
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def answers_of(rows: Sequence[DuePrediction]) -> Answers:
    """Return what customers were answered; worth comes from the loss that was told with the probability."""
    probability = np.array([row.probability for row in rows], np.float64)
    losses = [row.expected_loss for row in rows]
    return Answers(
        probability=probability,
        is_at_risk=np.array([row.churn_prediction == 1 for row in rows], bool),
        value=None if None in losses else _worth(np.array(losses, np.float64), probability),
        threshold=rows[-1].threshold if rows else 0.5,
    )


def _worth(losses: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """A loss is worth times probability; who can't leave is worth nothing to a campaign."""
    return np.asarray(np.divide(losses, probability, out=np.zeros_like(losses), where=probability > 0))


def known(rows: Sequence[DuePrediction]) -> tuple[list[DuePrediction], np.ndarray]:
    """Return the rows whose outcome is known, and the outcomes, int64 of shape (rows,)."""
    told = [row for row in rows if row.churned is not None]
    return told, np.array([row.churned for row in told], np.int64)
