"""Samples of customers for intervals: who is drawn how often; rows of one group are drawn together."""

from collections.abc import Iterator
from itertools import chain

import numpy as np

ROWS_DRAWN, FEWEST = 20_000_000, 100
CELLS = 1_000_000
"""Counts that are held in memory at once."""


def draw_customers(
    rows: int, *, groups: np.ndarray | None = None, resamples: int = 1000, seed: int = 0
) -> Iterator[np.ndarray]:
    """Yield how often each row is drawn, int64 of shape (some resamples, rows): customers, or whole groups."""
    rng = np.random.default_rng(seed)
    place = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    units = int(place.max()) + 1
    step = max(1, CELLS // rows)
    for start in range(0, resamples, step):
        some = min(step, resamples - start)
        chosen = rng.integers(units, size=(some, units)) + units * np.arange(some)[:, None]
        counts = np.bincount(chosen.ravel(), minlength=some * units).reshape(some, units)
        yield counts if groups is None else counts[:, place]


def bootstrap_counts(
    rows: int, wished: int, *, groups: np.ndarray | None = None, seed: int = 0
) -> Iterator[np.ndarray]:
    """Yield how often each row is drawn, int64 of shape (rows,), once per resample.

    Tables beyond 20,000 rows get fewer resamples, at least 100, so that a million rows take seconds.

    Args:
        rows: rows of the table.
        wished: how many samples.
        groups: rows with the same value are one customer, shape (rows,); None: each row is.
        seed: of the draws.
    """
    resamples = min(wished, max(FEWEST, ROWS_DRAWN // rows))
    yield from chain.from_iterable(draw_customers(rows, groups=groups, resamples=resamples, seed=seed))


def random_halves(rows: int, splits: int, *, groups: np.ndarray | None = None, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield the mask of a random half of the customers, shape (rows,), and then that of the other half, per split."""
    unit = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    units = int(unit.max()) + 1
    rng = np.random.default_rng(seed)
    for _ in range(splits):
        is_first = (rng.permutation(units) < units // 2)[unit]
        yield is_first
        yield ~is_first
