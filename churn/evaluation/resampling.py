"""Samples of customers for intervals: who is drawn how often; rows of one group are drawn together."""

from collections.abc import Iterator

import numpy as np

ROWS_DRAWN, FEWEST = 20_000_000, 100


def affordable(rows: int, wished: int) -> int:
    """Return how many resamples a table gets: those wished up to 20,000 rows, at least 100 (seconds at a million)."""
    return min(wished, max(FEWEST, ROWS_DRAWN // rows))


def bootstrap_counts(
    rows: int, resamples: int, *, groups: np.ndarray | None = None, seed: int = 0
) -> Iterator[np.ndarray]:
    """Yield how often each row is drawn, int64 of shape (rows,), once per resample (Efron, 1979).

    Args:
        rows: rows of the table.
        resamples: how many samples.
        groups: rows with the same value are one customer, shape (rows,); None: each row is.
        seed: of the draws.
    """
    unit, units = _units(rows, groups)
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(rng.integers(units, size=units), minlength=units)[unit]


def random_halves(rows: int, splits: int, *, groups: np.ndarray | None = None, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield the mask of a random half of the customers, shape (rows,), and then that of the other half, per split."""
    unit, units = _units(rows, groups)
    rng = np.random.default_rng(seed)
    for _ in range(splits):
        is_first = (rng.permutation(units) < units // 2)[unit]
        yield is_first
        yield ~is_first


def _units(rows: int, groups: np.ndarray | None) -> tuple[np.ndarray, int]:
    """Return each row's customer as a number, and how many customers there are."""
    if groups is None:
        return np.arange(rows), rows
    names, unit = np.unique(groups, return_inverse=True)
    return unit, len(names)
