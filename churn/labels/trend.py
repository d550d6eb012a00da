"""Trends of many short series at once: the least-squares slope of each customer's numbers."""

import numpy as np


def slopes(series: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Return by how much a series' numbers rise from one to the next; missing below two numbers.

    Args:
        series: which series a number belongs to, 0 … count - 1, ascending, of shape (numbers,).
        values: the numbers, each series in its order, of shape (numbers,).
        count: how many series there are.
    """
    lengths = np.bincount(series, minlength=count)
    place = np.arange(len(series)) - (np.cumsum(lengths) - lengths)[series]
    centre = (lengths - 1) / 2
    mean = np.bincount(series, values, count) / np.maximum(lengths, 1)
    distance = place - centre[series]
    rise = np.bincount(series, distance * (values - mean[series]), count)
    spread = lengths * (lengths.astype(np.float64) ** 2 - 1) / 12
    return np.asarray(np.divide(rise, spread, out=np.full(count, np.nan), where=lengths > 1))
