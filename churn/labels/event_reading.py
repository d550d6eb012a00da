"""An event log read and checked: bad lines are set aside with their reasons, never dropped in silence."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from churn.contract.cells import comma_number, plain_number
from churn.contract.part import LARGEST_NUMBER
from churn.contract.proxy import EventLog
from churn.contract.texts import MISSING_MARKS
from churn.data.csv_chunks import BadRow
from churn.errors import TableError
from churn.labels.event_file import read_columns
from churn.labels.events import Events, day_number

NO_DAY = int(np.iinfo(np.int64).min)
Value = TypeVar("Value", int, float)


@dataclass(frozen=True, slots=True)
class ReadEvents:
    """An event log, and what was found while it was read.

    Attributes:
        bad_rows: rows that were set aside, each with its reason, in order.
        duplicates: events that are alike in customer, day and values to an earlier one.
        dropped: how many of them were left out, as the contract says.
    """

    events: Events
    bad_rows: tuple[BadRow, ...]
    duplicates: int
    dropped: int


def read_events(path: Path, log: EventLog) -> ReadEvents:
    """Read an event log; a bad line is set aside with its reason.

    Raises:
        TableError: the file can't be used, or no line of it.
    """
    columns, torn = read_columns(path, log)
    parsed = _parse(columns, log)
    faults = dict(_faults(parsed, log))
    is_bad = np.any(list(faults.values()), axis=0)
    bad_rows = sorted([*torn, *_set_aside(faults, is_bad, torn)])
    if is_bad.all():
        raise TableError(
            f"{path}: none of its {len(is_bad)} events can be read; row {bad_rows[0][0]}: {bad_rows[0][1]}"
        )
    events = _events(parsed.only(~is_bad), log)
    is_repeat = _repeats(events)
    kept = events.only(~is_repeat) if log.duplicates == "drop" else events
    dropped = len(events.day) - len(kept.day)
    return ReadEvents(kept, tuple(bad_rows), duplicates=int(is_repeat.sum()), dropped=dropped)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """Columns of one log as numbers; names are not sorted yet."""

    names: np.ndarray
    customer: np.ndarray
    day: np.ndarray
    values: dict[str, np.ndarray]

    def only(self, chosen: np.ndarray) -> "_Parsed":
        values = {name: amounts[chosen] for name, amounts in self.values.items()}
        return _Parsed(self.names, self.customer[chosen], self.day[chosen], values)


def _parse(columns: dict[str, pa.DictionaryArray], log: EventLog) -> _Parsed:
    names, customer = _coded(columns[log.customer])
    number = comma_number if log.decimal_comma else plain_number
    return _Parsed(
        names=np.array([text.strip() for text in names], dtype=object),
        customer=customer,
        day=_each_text_once(columns[log.time], _day_reader(log.time_format), NO_DAY, np.int64),
        values={name: _each_text_once(columns[name], number, np.nan, np.float64) for name in log.values},
    )


def _coded(column: pa.DictionaryArray) -> tuple[list[str], np.ndarray]:
    return column.dictionary.to_pylist(), column.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _each_text_once(column: pa.DictionaryArray, read: Callable[[str], Value], bad: Value, kind: type) -> np.ndarray:
    texts, codes = _coded(column)
    return np.asarray(np.array([_read_or(read, text.strip(), bad) for text in texts], dtype=kind)[codes])


def _read_or(read: Callable[[str], Value], text: str, bad: Value) -> Value:
    try:
        return read(text)
    except (ValueError, OverflowError):
        return bad


def _day_reader(pattern: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        moment = datetime.fromisoformat(text) if pattern == "ISO-8601" else datetime.strptime(text, pattern)  # noqa: DTZ007
        return day_number((moment.astimezone(UTC) if moment.tzinfo else moment).date())

    return read


def _faults(parsed: _Parsed, log: EventLog) -> Iterator[tuple[str, np.ndarray]]:
    is_nobody = np.isin(parsed.names, ["", *MISSING_MARKS])
    yield f"{log.customer}: a customer is required", is_nobody[parsed.customer]
    form = "an ISO-8601 date" if log.time_format == "ISO-8601" else f"a date of the form {log.time_format}"
    yield f"{log.time}: not {form}", parsed.day == NO_DAY
    for name, amounts in parsed.values.items():
        with np.errstate(invalid="ignore"):
            yield f"{name}: not a number", ~(np.abs(amounts) <= LARGEST_NUMBER)
    if log.observed_until:
        yield f"{log.time}: after the log's last day, observed_until", parsed.day > day_number(log.observed_until)


def _set_aside(faults: dict[str, np.ndarray], is_bad: np.ndarray, torn: list[BadRow]) -> Iterator[BadRow]:
    """Number the rows as they stand in the file: torn lines before a row count."""
    positions = np.flatnonzero(is_bad)
    read_before = np.array([row - place for place, (row, _) in enumerate(torn, 1)])
    for position in positions.tolist():
        reasons = [reason for reason, mask in faults.items() if mask[position]]
        yield int(position + 1 + np.searchsorted(read_before, position + 1)), "; ".join(reasons)


def _events(parsed: _Parsed, log: EventLog) -> Events:
    """Give customers numbers in the order of their names, so that no order of the file shows."""
    seen = np.unique(parsed.customer)
    names, own = np.unique(parsed.names[seen].astype(str), return_inverse=True)
    numbers = np.zeros(len(parsed.names), np.int64)
    numbers[seen] = own
    last_day = day_number(log.observed_until) if log.observed_until else int(parsed.day.max())
    return Events(names.astype(object), numbers[parsed.customer], parsed.day, parsed.values, last_day).sorted()


def _repeats(events: Events) -> np.ndarray:
    """Return which events have an equal earlier one, of shape (events,)."""
    keys = (*events.values.values(), events.day, events.customer)
    order = np.lexsort(keys)
    is_same = np.ones(len(order) - 1, bool)
    for key in keys:
        is_same &= key[order][1:] == key[order][:-1]
    is_repeat = np.zeros(len(order), bool)
    is_repeat[order[1:][is_same]] = True
    return is_repeat
