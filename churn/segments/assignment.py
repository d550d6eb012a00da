"""The segment book: which segment a customer belongs to. numpy and pydantic only, since serving imports it."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache

import numpy as np
from pydantic import Field, model_validator

from churn.contract.derived import CountOf, Derived, sources_of
from churn.contract.table import Columns
from churn.features.operations import derive
from churn.segments.profile import Choice, Segment
from churn.segments.scales import CategoryScale, Frozen, NumberScale, Scale

Row = Mapping[str, float | str]

REMEMBERED = 4096
"""Values of a number whose distances are kept: months and price lists repeat themselves."""


class SegmentBook(Frozen):
    """The segments of one table, and how a customer is told his own: the nearest centre. JSON both ways."""

    contract: str
    scales: tuple[Scale, ...] = Field(min_length=1)
    """One per column that customers are grouped by."""

    derived: dict[str, Derived] = Field(default={})
    """The derived ones of these columns."""

    segments: tuple[Segment, ...] = Field(min_length=1)
    """Highest churn rate first; a segment's number is its place here, from 0."""

    choice: Choice
    currency: str = ""

    @model_validator(mode="after")
    def _fits(self) -> "SegmentBook":
        width = sum(scale.width for scale in self.scales)
        if any(len(segment.centre) != width for segment in self.segments):
            raise ValueError(f"every segment's centre needs {width} coordinates, one per column and category")
        return self

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Name per segment number."""
        return tuple(segment.name for segment in self.segments)

    def of_columns(self, columns: Columns) -> np.ndarray:
        """Return the segment number of each row, intp of shape (rows,), from graph-ready columns."""
        values = {**columns, **{name: derive(how, columns) for name, how in self.derived.items()}}
        distance = np.zeros((len(values[self.scales[0].name]), len(self.segments)))
        for scale, table in zip(self.scales, self._tables, strict=True):
            if isinstance(scale, NumberScale):
                gap = scale.encode(values[scale.name]) - table
                distance += gap * gap
            else:
                distance += table[scale.code_of(values[scale.name])]
        return np.asarray(distance.argmin(axis=1))

    def of_row(self, row: Row) -> int:
        """Return the segment number of one graph-ready row; equal to `of_columns` in every bit."""
        total = [0.0] * len(self.segments)
        for read, measure in self._steps:
            total = [sum_ + part for sum_, part in zip(total, measure(read(row)), strict=True)]
        return total.index(min(total))

    @cached_property
    def _tables(self) -> tuple[np.ndarray, ...]:
        """Per column: the centres' coordinates (1, segments), or squared distances (categories + 1, segments)."""
        ends = np.cumsum([scale.width for scale in self.scales])
        parts = np.split(np.array([segment.centre for segment in self.segments]), ends[:-1], axis=1)
        return tuple(
            part.T if isinstance(scale, NumberScale) else _distances(scale, part)
            for scale, part in zip(self.scales, parts, strict=True)
        )

    @cached_property
    def _steps(self) -> tuple[tuple[Callable[[Row], float | str], Callable[..., list[float]]], ...]:
        """Per column: how its value is read from a row, and how far that is from each segment."""
        return tuple(
            (self._reader(scale.name), _measure(scale, table))
            for scale, table in zip(self.scales, self._tables, strict=True)
        )

    def _reader(self, name: str) -> Callable[[Row], float | str]:
        how = self.derived.get(name)
        return (lambda row: row[name]) if how is None else _deriver(how)


def _distances(scale: CategoryScale, centres: np.ndarray) -> np.ndarray:
    """Squared distance of each category, and of an unlisted value, to each segment."""
    corners = np.vstack([np.eye(scale.width) * scale.weight, np.zeros((1, scale.width))])
    return np.asarray(((corners[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2))


def _measure(scale: Scale, table: np.ndarray) -> Callable[..., list[float]]:
    if isinstance(scale, NumberScale):
        encode, centres = scale.encode_value, table[0].tolist()
        return lru_cache(REMEMBERED)(lambda value: _squares(encode(value), centres))
    by_text = dict(zip(scale.categories, table[:-1].tolist(), strict=True))
    unlisted = table[-1].tolist()
    return lambda text: by_text.get(text, unlisted)


def _deriver(how: Derived) -> Callable[[Row], float]:
    if isinstance(how, CountOf):  # numpy's comparison of texts costs 10 µs a column
        names, counted = how.columns, frozenset(how.values)
        return lambda row: float(sum(row[name] in counted for name in names))
    return lambda row: float(derive(how, {name: _cell(row[name]) for name in sources_of(how)})[0])


def _cell(value: float | str) -> np.ndarray:
    return np.array([value], dtype=object if isinstance(value, str) else np.float32)


def _squares(coordinate: float, centres: list[float]) -> list[float]:
    return [(coordinate - centre) * (coordinate - centre) for centre in centres]
