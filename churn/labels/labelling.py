"""A labelled table from an event log or from a usage table, and what was found on the way."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from churn.contract.cells import text_of
from churn.contract.contract import Contract
from churn.contract.proxy import Inactivity, Usage
from churn.data.csv_chunks import BadRow
from churn.data.files import read_table
from churn.errors import TableError
from churn.labels.customers import Cohort, as_table, observe
from churn.labels.event_reading import ReadEvents, read_events
from churn.labels.events import Events, date_of
from churn.labels.outcome import observation_days
from churn.labels.usage import UNKNOWN, label_usage


@dataclass(frozen=True, slots=True)
class Moment:
    """What one observation date gave; `left` is None while the outcome is not known."""

    on: str
    customers: int
    left: int | None
    not_eligible: dict[str, int]


@dataclass(frozen=True, slots=True)
class Labelling:
    """A table that ordinary ingest takes, and how it came to be.

    Attributes:
        table: one row per customer and date, or per customer.
        moments: what each date gave, in order; one without a date for a usage table.
        rows_read: lines of the file, those set aside included.
        bad_rows: lines that were set aside, each with its reason.
        remarks: what a reader should know, in sentences.
        events: the log, for studies; None for a usage table.
    """

    table: pd.DataFrame
    moments: tuple[Moment, ...]
    rows_read: int
    bad_rows: tuple[BadRow, ...]
    remarks: tuple[str, ...]
    events: Events | None = None

    @property
    def base_rate(self) -> float:
        """Share of the labelled rows whose customer left; NaN when no outcome is known."""
        known = [one for one in self.moments if one.left is not None]
        rows = sum(one.customers for one in known)
        return sum(one.left or 0 for one in known) / rows if rows else float("nan")


def label_events(
    path: Path, contract: Contract, proxy: Inactivity, *, most_set_aside: float, seed: int, at: int | None = None
) -> Labelling:
    """Label customers from an event log; with `at` describe them on that one day, be the outcome known or not.

    Raises:
        TableError: the log can't be used, or a date's outcome is not known yet.
        LeakageError: a feature knows the future.
    """
    read = read_events(path, proxy.events)
    _refuse_another_file(path, read, most_set_aside)
    events = read.events
    days = observation_days(events, proxy) if at is None else (_covered(events, at),)
    cohorts = [observe(events, day, proxy, seed=seed) for day in days]
    return Labelling(
        table=as_table(events, cohorts, contract),
        moments=tuple(_moment(cohort) for cohort in cohorts),
        rows_read=len(events.day) + read.dropped + len(read.bad_rows),
        bad_rows=read.bad_rows,
        remarks=tuple(_remarks(read, proxy, days)),
        events=events,
    )


def _covered(events: Events, day: int) -> int:
    if not events.day.min() <= day <= events.last_day:
        first, last = date_of(events.day.min()), date_of(events.last_day)
        raise TableError(f"nobody can be described on {date_of(day)}: the log covers {first} to {last}")
    return day


def _refuse_another_file(path: Path, read: ReadEvents, most: float) -> None:
    bad, rows = len(read.bad_rows), len(read.events.day) + read.dropped + len(read.bad_rows)
    if bad <= most * rows:
        return
    why = Counter(reason for _, reason in read.bad_rows).most_common(3)
    raise TableError(
        f"{path}: {bad:,} of {rows:,} lines can't be read ({bad / rows:.1%}; at most {most:.1%} are set aside): "
        + "; ".join(f"{reason} ({count:,})" for reason, count in why)
        + ". Correct target.proxy.events in the contract, or largest_share_set_aside"
    )


def _moment(cohort: Cohort) -> Moment:
    left = None if cohort.churned is None else int(cohort.churned.sum())
    return Moment(date_of(cohort.day).isoformat(), len(cohort.chosen), left, cohort.not_eligible)


def _remarks(read: ReadEvents, proxy: Inactivity, days: tuple[int, ...]) -> Iterator[str]:
    events = read.events
    first, longest = int(events.day.min()), max(proxy.windows_days, default=0)
    yield (
        f"The log covers {date_of(first)} to {date_of(events.last_day)}: {len(events.day):,} events of "
        f"{len(events.names):,} customers."
    )
    if read.duplicates:
        what = "were left out" if read.dropped else "were kept (`duplicates: keep`)"
        yield f"{read.duplicates:,} events equal an earlier one in customer, day and values; they {what}."
    if early := [day for day in days if day - longest + 1 < first]:
        yield f"On {len(early)} of {len(days)} dates the window of {longest} days begins before the log does."
    steps = np.diff(days)
    if len(steps) and steps.min() < proxy.known_after_days:
        yield (
            "Outcome windows of neighbouring dates overlap: rows of one customer are not independent, and intervals "
            "have to be over customers (`validation.group`)."
        )


def label_table(path: Path, contract: Contract, proxy: Usage) -> Labelling:
    """Label the rows of a usage table; the columns that make the label are left out.

    Raises:
        TableError: the table can't be used.
    """
    read, target = read_table(path), contract.target
    labels = label_usage(contract, proxy, read.columns)
    words = np.array([target.negative or "0", target.positive, ""], object)[labels]
    kept = {
        name: list(map(text_of, cells))
        for name, cells in read.columns.items()
        if name not in {*proxy.label_columns, target.column}
    }
    unknown = int((labels == UNKNOWN).sum())
    remarks = [
        "The label says who is silent now: inputs are of the same time, so this finds customers that look like those "
        "who left, and does not look ahead. An event log does (`kind: inactivity`)."
    ]
    if unknown:
        remarks.append(f"{unknown:,} rows have no label: a number that would decide is missing.")
    return Labelling(
        table=pd.DataFrame({**kept, target.column: words}),
        moments=(Moment("", len(labels) - unknown, int((labels == 1).sum()), {}),),
        rows_read=read.rows + len(read.bad_rows),
        bad_rows=tuple(read.bad_rows),
        remarks=tuple(remarks),
    )
