"""A target that no column holds: who left is told from an event log that falls silent, or from columns of usage."""

import datetime as dt
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from churn.contract.part import Bound, ColumnName, Part
from churn.contract.validation import Validation

Days = Annotated[int, Field(ge=1, le=36_500)]


class EventLog(Part):
    """How the event log is written: one line per event, such as a purchase, a visit or a call."""

    separator: Literal["comma", "semicolon", "tab", "pipe", "whitespace"] = "comma"
    """whitespace: any run of blanks; lines may begin and end with some."""

    names: tuple[ColumnName, ...] = ()
    """Names of the columns, in order, of a file without a header; unset: the first line names them."""

    customer: ColumnName
    """Who; always a text, so that 00017 stays 00017."""

    time: ColumnName
    time_format: str = "ISO-8601"
    """ISO-8601, or a pattern such as %Y%m%d or %d.%m.%Y %H:%M. The day counts, not the hour; with a zone, UTC's day."""

    values: tuple[ColumnName, ...] = ()
    """Numbers of an event, such as its price; an event without one is set aside."""

    decimal_comma: bool = False
    """Values are written 1.234,56 for 1234.56."""

    duplicates: Literal["keep", "drop"] = "keep"
    """Lines that are alike in customer, time and values: one purchase each, or one purchase written twice."""

    observed_until: dt.date | None = None
    """Last day that the log covers, when that is later than its last event; events after it are set aside."""

    @model_validator(mode="after")
    def _names_once(self) -> "EventLog":
        wanted = (self.customer, self.time, *self.values)
        if len(set(wanted)) < len(wanted):
            raise ValueError("`customer`, `time` and `values` must name different columns")
        absent = [name for name in wanted if self.names and name not in self.names]
        if absent:
            raise ValueError(f"`names` lacks {', '.join(map(repr, absent))}")
        if len(set(self.names)) < len(self.names):
            raise ValueError("`names` names a column twice")
        return self

    @field_validator("time_format")
    @classmethod
    def _is_pattern(cls, text: str) -> str:
        if text != "ISO-8601" and not any(part in text for part in ("%Y", "%y", "%x", "%c")):
            raise ValueError("`time_format` is ISO-8601, or a pattern with a year, like %Y%m%d")
        return text


class Schedule(Part):
    """Observation dates at equal distances."""

    every_days: Days
    first: dt.date | None = None
    """Unset: the first date that leaves the longest feature window after the log's first day."""

    last: dt.date | None = None
    """Unset: the last date whose outcome is known."""


class Inactivity(Part):
    """A customer left when nothing happened for `horizon_days`, beginning `lead_days` after the observation date."""

    kind: Literal["inactivity"]
    events: EventLog
    dates: tuple[dt.date, ...] | Schedule = Field(union_mode="left_to_right")
    """Observation dates: features know each event up to the end of that day, and none after it."""

    horizon_days: Days
    """Length of the outcome window; whoever has an event in it stayed."""

    lead_days: int = Field(default=0, ge=0, le=3_650)
    """Days between the observation date and the outcome window: the time that acting on a prediction takes."""

    windows_days: tuple[Days, ...] = (30, 90, 180)
    """Features count and add up what happened in so many days before the observation date, and since ever."""

    active_within_days: Days | None = None
    """Only customers with an event in so many days before the observation date; unset: whoever had one before it."""

    tenure_at_least_days: int = Field(default=0, ge=0)
    """Only customers whose first event is at least so old."""

    @property
    def known_after_days(self) -> int:
        """How long after the observation date the outcome is known."""
        return self.lead_days + self.horizon_days

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that the labelling makes."""
        spans = (*(f"{days}d" for days in self.windows_days), "all")
        own = ("recency_days", "tenure_days", "active_days", *(f"events_{span}" for span in spans))
        gaps = ("mean_gap_days", "last_gap_days", "gap_trend_days", "recency_to_gap")
        sums = tuple(f"{name}_{span}" for name in self.events.values for span in (*spans, "mean", "trend"))
        return (*own, *gaps, *sums)

    @model_validator(mode="after")
    def _ascends(self) -> "Inactivity":
        if list(self.windows_days) != sorted(set(self.windows_days)):
            raise ValueError("`windows_days` must ascend without repeats")
        if isinstance(self.dates, tuple) and (not self.dates or list(self.dates) != sorted(set(self.dates))):
            raise ValueError("`dates` must hold at least one date, and ascend without repeats")
        if len(set(self.feature_names)) < len(self.feature_names):
            raise ValueError("a column of `events.values` has the name of another feature: give it another name")
        return self


class Usage(Part):
    """A customer left when each activity is at most, and each inactivity at least, its bound; one row per customer."""

    kind: Literal["usage"]
    low_activity: dict[ColumnName, Bound] = Field(min_length=1)
    """Column of activity → the most that a customer who left still does."""

    inactivity: dict[ColumnName, Bound] = Field(min_length=1)
    """Column of days since the last activity → the least for a customer who left."""

    known_after_days: Days = 30
    """How long after a prediction the same columns tell whether the customer left."""

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns that make the label."""
        return (*self.low_activity, *self.inactivity)

    @model_validator(mode="after")
    def _names_once(self) -> "Usage":
        if both := sorted(set(self.low_activity) & set(self.inactivity)):
            raise ValueError(f"{both[0]!r} is in `low_activity` and in `inactivity`")
        return self


PROXY_TARGET = {"column": "churned", "positive": "1", "negative": "0"}
"""What a target with a proxy is called when its contract does not say."""

Proxy = Annotated[Inactivity | Usage, Field(discriminator="kind")]


def with_proxy_defaults(target: Any) -> Any:
    """Fill in what a target with a proxy need not say; a target without one is returned as it is."""
    if not isinstance(target, Mapping) or not target.get("proxy"):
        return target
    try:
        proxy = TypeAdapter[Inactivity | Usage](Proxy).validate_python(target["proxy"])
    except ValidationError:  # the field itself will say what is wrong, and where
        return {**PROXY_TARGET, **target}
    return {**PROXY_TARGET, "horizon_days": proxy.known_after_days, **target}


def proxy_problems(
    proxy: Inactivity | Usage, *, customer_id: str | None, validation: Validation, columns: Mapping[str, object]
) -> Iterator[str]:
    """Say what the rest of the contract lacks, or has too much, for its proxy."""
    if isinstance(proxy, Usage):
        yield from _usage_problems(proxy, columns)
        return
    yield from _role_problems(proxy, customer_id, validation)
    for name in columns:
        if name not in proxy.feature_names:
            close = get_close_matches(name, proxy.feature_names, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            yield f"column {name!r} is not made from the events{hint}; these are: {', '.join(proxy.feature_names)}"


def _role_problems(proxy: Inactivity, customer_id: str | None, validation: Validation) -> Iterator[str]:
    """On one date a customer has one row; on several, those rows belong together and have an order."""
    wanted = {"customer_id": customer_id}
    if isinstance(proxy.dates, Schedule) or len(proxy.dates) > 1:
        wanted |= {"validation.group": validation.group, "validation.time": validation.time}
    if absent := [role for role, name in wanted.items() if name is None]:
        yield (
            f"a proxy of kind inactivity makes one row per customer and date, and {', '.join(absent)} is not set: name "
            "the row's id (customer_id) and, with several dates, its customer (validation.group) and its date "
            "(validation.time)"
        )


def _usage_problems(proxy: Usage, columns: Mapping[str, object]) -> Iterator[str]:
    for name in proxy.label_columns:
        if name in columns:
            yield f"column {name!r} makes the label, so it can't be an input as well: remove it from `columns`"
