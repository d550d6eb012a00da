"""How a value becomes a coordinate: numbers on one scale, categories as corners equally far apart.

Both forms do the same float64 operations in the same order, so that one row and a million get the same segment.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """Base of all parts of a segment book: frozen, and JSON with an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy without what was worked out from the old values: pydantic would copy cached properties along."""
        copied = super().model_copy(update=update, deep=deep)
        for name in set(copied.__dict__) - set(type(self).model_fields):
            del copied.__dict__[name]
        return copied


class NumberScale(Frozen):
    """One coordinate: (value - centre) / spread, after missing, extreme and skewed values are dealt with."""

    kind: Literal["number"] = "number"
    name: str
    median: float
    """Stands for a missing value."""

    low: float
    high: float
    """Values beyond count as these: the 1st and the 99th percentile of a number with many values."""

    log_unit: float | None = None
    """Set for a skewed number, which is log(1 + (value - low) / log_unit)."""

    centre: float
    spread: float = Field(gt=0)

    @property
    def width(self) -> int:
        """Coordinates of this column."""
        return 1

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return coordinates of shape (rows, 1)."""
        wide = values.astype(np.float64)
        clipped = np.clip(np.where(np.isnan(wide), self.median, wide), self.low, self.high)
        bent = clipped if self.log_unit is None else np.log1p((clipped - self.low) / self.log_unit)
        return np.asarray((bent - self.centre) / self.spread)[:, None]

    def encode_value(self, value: float) -> float:
        """Return the coordinate of one value."""
        wide = float(np.float32(value))
        filled = self.median if wide != wide else wide  # noqa: PLR0124 only NaN differs from itself; twice as quick
        clipped = min(max(filled, self.low), self.high)
        bent = clipped if self.log_unit is None else float(np.log1p((clipped - self.low) / self.log_unit))
        return (bent - self.centre) / self.spread


class CategoryScale(Frozen):
    """One coordinate per category: `weight` at the row's own, 0 at the others; an unlisted value is 0 everywhere."""

    kind: Literal["category"] = "category"
    name: str
    categories: tuple[str, ...] = Field(min_length=1)
    """The values that are told apart; "" stands for a missing one."""

    weight: float = Field(gt=0)

    @property
    def width(self) -> int:
        """Coordinates of this column."""
        return len(self.categories)

    @cached_property
    def codes(self) -> dict[str, int]:
        """Position per category."""
        return {text: code for code, text in enumerate(self.categories)}

    def code_of(self, values: np.ndarray) -> np.ndarray:
        """Return positions of shape (rows,); one beyond the last for a value that is not listed."""
        unlisted, codes = len(self.categories), self.codes
        return np.fromiter((codes.get(value, unlisted) for value in values), np.intp, len(values))

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return coordinates of shape (rows, categories)."""
        corners = np.vstack([np.eye(self.width) * self.weight, np.zeros((1, self.width))])
        return np.asarray(corners[self.code_of(values)])


Scale = Annotated[NumberScale | CategoryScale, Field(discriminator="kind")]
