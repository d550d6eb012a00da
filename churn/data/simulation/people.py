"""People: everybody whom a world will see, as numbers and codes; and the source that they are drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

UNKNOWN = -1
"""Code of a category that has no value."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What customers are like at one time; each array has the shape (rows,).

    Attributes:
        numbers: by column; NaN is missing.
        codes: by column, the place in `values`, or UNKNOWN.
        values: by column, the texts behind the codes.
    """

    numbers: Mapping[str, Floats]
    codes: Mapping[str, Integers]
    values: Mapping[str, tuple[str, ...]]

    def at(self, rows: Integers) -> "Traits":
        """Return some rows."""
        numbers = {name: column[rows] for name, column in self.numbers.items()}
        return Traits(numbers, {name: codes[rows] for name, codes in self.codes.items()}, self.values)


@dataclass(frozen=True, slots=True)
class People:
    """Customers of a world.

    Attributes:
        ids: str objects of shape (rows,).
        born: number of the month in which each is first seen, shape (rows,).
        traits: as they are in that month.
        batch: tells draws for these people from those for others of the same world.
    """

    ids: np.ndarray
    born: Integers
    traits: Traits
    batch: int

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.born)

    def at(self, rows: Integers) -> "People":
        """Return some rows."""
        return People(self.ids[rows], self.born[rows], self.traits.at(rows), self.batch)


class Source(Protocol):
    """Where people come from, how they age, and what makes them leave."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in the order of the table."""

    @property
    def customer_id(self) -> str:
        """The column that names the customer."""

    @property
    def price_column(self) -> str | None:
        """The column that a price shift moves."""

    @property
    def whole_columns(self) -> frozenset[str]:
        """Columns of whole numbers."""

    def draw(self, rows: int, *, first_row: int, seed: int) -> tuple[np.ndarray, Traits]:
        """Return ids and traits of the customers `first_row` and on; any part of them is the same in every call."""

    def newborn(self, traits: Traits, is_new: Flags) -> Traits:
        """Return traits in which some customers have only just come."""

    def aged(self, traits: Traits, months: Integers) -> Traits:
        """Return traits as they are `months` after they were drawn, shape (rows,)."""

    def log_odds(self, traits: Traits, factors: Mapping[str, float]) -> Floats:
        """Return the log-odds of leaving within a month; -inf where nobody can leave.

        Args:
            traits: of shape (rows,).
            factors: by column, what its part is multiplied by; a column without one keeps its part.
        """
