"""Events: who, on which day, with which values; sorted by customer and day."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np


@dataclass(frozen=True, slots=True)
class Events:
    """An event log in memory, sorted by customer, then day; events of one day stay in the file's order.

    Attributes:
        names: customers, str objects of shape (customers,), sorted.
        customer: position in `names`, int64 of shape (events,).
        day: days since 1970-01-01, int64 of shape (events,).
        values: float64 of shape (events,) per value column.
        last_day: the last day that the log covers; what happened later is not known.
    """

    names: np.ndarray
    customer: np.ndarray
    day: np.ndarray
    values: dict[str, np.ndarray]
    last_day: int

    def only(self, chosen: np.ndarray) -> "Events":
        """Return some of the events, by a mask; customers keep their positions."""
        return replace(
            self,
            customer=self.customer[chosen],
            day=self.day[chosen],
            values={name: amounts[chosen] for name, amounts in self.values.items()},
        )

    def sorted(self) -> "Events":
        """Return the events in order."""
        order = np.lexsort((self.day, self.customer))
        return replace(
            self,
            customer=self.customer[order],
            day=self.day[order],
            values={name: amounts[order] for name, amounts in self.values.items()},
        )


def day_number(day: date) -> int:
    """Return the number of days since 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def date_of(day: int) -> date:
    """Return the date of a day number."""
    return date.fromordinal(int(day) + date(1970, 1, 1).toordinal())
