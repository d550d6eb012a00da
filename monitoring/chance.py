"""Chance: how far two windows of the same population lie apart, so that what counts as drift is more than that.

All rows are dealt anew to both windows, many times: if nothing has changed, the windows as they came are one such deal
among the others. Whole rows are dealt, so that columns that go together stay together, and the one probability of a
false alarm is that of the whole window: of all columns and all methods at once, small cells and the noise of a finite
reference included (Westfall and Young, Resampling-based multiple testing, 1993).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.measures import Measure

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Counts of the live window and of the reference, of shape (..., cells) → values of shape (...,)."""

AT_A_TIME = 50
"""Deals that are held in memory together."""

DECIDING_DEALS = 10
"""So many deals lie beyond the limit; their number makes the limit exact enough, and how many deals are needed."""

ROUNDING = 1 + 1e-9


@dataclass(frozen=True, slots=True)
class Question:
    """One value to measure.

    Attributes:
        cells: which count it is of, a key of the codes.
        power: the value to this power is nearly chi-squared when nothing has changed.
        floor: the least size that matters, however sure it is.
    """

    column: str
    method: str
    cells: str
    distance: Distance
    power: int
    floor: float


def answer(
    questions: Sequence[Question],
    codes: Mapping[str, np.ndarray],
    live_rows: int,
    *,
    probability: float,
    seed: int = 0,
) -> list[Measure]:
    """Measure every question, with the threshold that all together pass by chance with this probability at most.

    Args:
        questions: at least one.
        codes: the cell of each row, whole numbers from 0 without gaps, shape (rows of both windows,); the live first.
        live_rows: rows of the live window.
        probability: of any false alarm.
        seed: of the deals.
    """
    table = _Table.of(codes)
    live = table.count(np.arange(live_rows))
    values = table.ask(questions, live[None], table.pooled - live[None])[0]
    deals = int(np.ceil(DECIDING_DEALS / probability))
    dealt = np.concatenate(list(_deal(table, questions, live_rows, deals=deals, seed=seed)))
    limits = _limits(dealt, questions, probability)
    return [
        Measure(one.column, one.method, float(value), float(limit))
        for one, value, limit in zip(questions, values, limits, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows by cells; each column of codes has cells of its own.

    Attributes:
        codes: shape (rows, columns).
        pooled: rows in each cell, shape (cells,).
        parts: the cells of each column.
    """

    codes: np.ndarray
    pooled: np.ndarray
    parts: Mapping[str, slice]

    @classmethod
    def of(cls, codes: Mapping[str, np.ndarray]) -> "_Table":
        sizes = [int(each.max()) + 1 for each in codes.values()]
        ends = np.cumsum(sizes)
        matrix = np.column_stack(
            [each + end - size for each, end, size in zip(codes.values(), ends, sizes, strict=True)]
        )
        parts = {name: slice(int(end) - size, int(end)) for name, end, size in zip(codes, ends, sizes, strict=True)}
        return cls(matrix, np.bincount(matrix.ravel(), minlength=int(ends[-1])), parts)

    def count(self, rows: np.ndarray) -> np.ndarray:
        """Return how many of these rows are in each cell, shape (cells,)."""
        return np.bincount(self.codes[rows].ravel(), minlength=len(self.pooled))

    def ask(self, questions: Sequence[Question], live: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Return the values, shape (pairs of windows, questions)."""
        parts = [self.parts[one.cells] for one in questions]
        found = [one.distance(live[:, part], reference[:, part]) for one, part in zip(questions, parts, strict=True)]
        return np.column_stack(found)


def _deal(
    table: _Table, questions: Sequence[Question], live_rows: int, *, deals: int, seed: int
) -> Iterator[np.ndarray]:
    """Yield the values of deals, shape (some, questions); only the smaller window is counted."""
    rng, rows = np.random.default_rng(seed), len(table.codes)
    smaller = min(live_rows, rows - live_rows)
    for start in range(0, deals, AT_A_TIME):
        some = min(AT_A_TIME, deals - start)
        chosen = (rng.choice(rows, smaller, replace=False, shuffle=False) for _ in range(some))
        counts = np.array([table.count(one) for one in chosen])
        others = table.pooled - counts
        yield table.ask(questions, *((counts, others) if smaller == live_rows else (others, counts)))


def _limits(dealt: np.ndarray, questions: Sequence[Question], probability: float) -> np.ndarray:
    """Return the threshold of each question, shape (questions,): no less than its floor.

    Values of different methods are compared by how seldom they are, as a gamma distribution of the same mean and
    variance tells it. That only shares the probability out evenly: the limit is counted in the deals, and holds
    whatever the distribution is.
    """
    from scipy.stats import gamma  # noqa: PLC0415  slow, and the exporter shares this room

    floors, powers = np.array([one.floor for one in questions]), np.array([one.power for one in questions])
    sizes = np.abs(dealt) ** powers
    mean, variance = sizes.mean(axis=0), sizes.var(axis=0)
    varies = variance > 0
    shape, scale = np.ones(len(floors)), np.ones(len(floors))
    np.divide(mean**2, variance, out=shape, where=varies)
    np.divide(variance, mean, out=scale, where=varies)
    is_large = varies & (np.abs(dealt) >= floors)
    surprise = np.where(is_large, -gamma.logsf(sizes, shape, scale=scale), 0).max(axis=1)
    limit = np.sort(surprise)[-int(probability * (len(dealt) + 1))]
    if limit == 0:
        return floors
    beyond = gamma.isf(np.exp(-limit), shape, scale=scale) ** (1 / powers) * ROUNDING
    return np.where(varies, np.maximum(floors, beyond), floors)
