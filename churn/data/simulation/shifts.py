"""Shifts: named changes of a world, from one month on, at once or in steps."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from churn.errors import UsageError

Kind = Literal["price", "scale", "share", "missing", "new", "concept", "base"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WITH_COLUMN: tuple[Kind, ...] = ("scale", "share", "missing", "new", "concept")
WITH_VALUE: tuple[Kind, ...] = ("share", "new")
SHARES: tuple[Kind, ...] = ("missing", "new")
FACTORS: tuple[Kind, ...] = ("price", "scale", "share")
SEEN_ONLY: tuple[Kind, ...] = ("missing", "new")
"""Shifts of what is recorded: the customers themselves stay as they are, and so do their chances."""

WRITTEN = re.compile(r"(?P<facts>[^@]+)(@(?P<month>\d+)(-(?P<full>\d+))?)?")
HOW = (
    "write price:1.1, scale:COLUMN:1.5, share:COLUMN=VALUE:2, missing:COLUMN:1, new:COLUMN=VALUE:0.2, "
    "concept:COLUMN:-1 or base:0.5, each with @4 (from month 4 on) or @4-7 (growing from month 4 to 7)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One change.

    price and scale multiply a number; share multiplies how many customers have a value of a category (they change for
    good); missing empties a column, and new writes a new value, for a share of customers, in what is recorded only;
    concept multiplies the part that a column has in the log-odds of leaving; base adds to them.

    Attributes:
        kind: what changes.
        amount: factor, share, or log-odds.
        column: empty for price and base.
        value: of a category, for share and new.
        month: the first month with the change.
        full_month: the month from which the change is whole; None: at once.
    """

    kind: Kind
    amount: float
    column: str = ""
    value: str = ""
    month: int = 1
    full_month: int | None = None

    def __post_init__(self) -> None:
        if faults := list(_faults_of(self)):
            raise UsageError(f"the shift {self.kind} {' and '.join(faults)}: {HOW}")

    @classmethod
    def parse(cls, text: str) -> "Shift":
        """Read `kind:column=value:amount@month-month`, as the command line has it.

        Raises:
            UsageError: it is no shift.
        """
        found = WRITTEN.fullmatch(text.strip())
        name, _, rest = (found["facts"] if found else "").partition(":")
        kind = next((known for known in KINDS if known == name), None)
        if found is None or kind is None:
            raise UsageError(f"{text!r} is no shift: {HOW}")
        place, amount = _place_and_amount(kind, rest)
        column, _, value = place.partition("=")
        full = int(found["full"]) if found["full"] else None
        return cls(
            kind=kind, amount=_number(amount, text), column=column, value=value,
            month=int(found["month"] or 1), full_month=full,
        )  # fmt: skip

    def progress(self, month: int) -> float:
        """Return how much of the change is there in a month, 0 … 1."""
        if month < self.month:
            return 0.0
        steps = (self.full_month or self.month) - self.month + 1
        return min((month - self.month + 1) / steps, 1.0)

    def factor(self, month: int) -> float:
        """Return what is multiplied by in a month; 1 before the change."""
        return 1 + (self.amount - 1) * self.progress(month)


def _place_and_amount(kind: str, rest: str) -> tuple[str, str]:
    """Split `column=value:amount`; a column that goes missing does so for everybody when no share is told."""
    if kind not in WITH_COLUMN:
        return "", rest
    place, colon, amount = rest.rpartition(":")
    return (place, amount) if colon else (rest, "1" if kind == "missing" else "")


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(f"{whole!r} names no amount: {HOW}") from error


def _faults_of(shift: Shift) -> Iterator[str]:
    if not math.isfinite(shift.amount):
        yield "needs a finite amount"
    if (shift.kind in WITH_COLUMN) != bool(shift.column):
        yield "needs a column" if shift.kind in WITH_COLUMN else "takes no column"
    if (shift.kind in WITH_VALUE) != bool(shift.value):
        yield "needs a value of its column" if shift.kind in WITH_VALUE else "takes no value"
    if shift.kind in SHARES and not 0 <= shift.amount <= 1:
        yield "needs a share from 0 to 1"
    if shift.kind in FACTORS and shift.amount < 0:
        yield "needs a factor from 0"
    if shift.month < 1 or (shift.full_month is not None and shift.full_month < shift.month):
        yield "needs a month from 1, and no end before its beginning"
