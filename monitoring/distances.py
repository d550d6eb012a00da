"""Distances between two windows that were counted into the same cells; many pairs of windows at once.

Counts are whole numbers of shape (..., cells), and a cell that is empty in both windows is as if it were not there;
values have the shape (...,).
PSI and Jensen-Shannon are those of Evidently, to the last few bits: a test holds them together.
"""

import numpy as np

SMALLEST_SHARE = 1e-4
"""What Evidently takes for the share of an empty cell, or a millionth of the least share where that is less."""


def psi(live: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the population stability index."""
    now, before = _filled(_shares(live)), _filled(_shares(reference))
    return np.asarray(((before - now) * np.log(before / now) * (live + reference > 0)).sum(axis=-1))


def jensen_shannon(live: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the Jensen-Shannon distance with natural logarithms, 0 … 0.83."""
    from scipy.special import rel_entr  # noqa: PLC0415  slow, and the exporter shares this room

    now, before = _shares(live), _shares(reference)
    middle = (now + before) / 2
    divergence = rel_entr(before, middle).sum(axis=-1) + rel_entr(now, middle).sum(axis=-1)
    return np.asarray(np.sqrt(np.maximum(divergence, 0) / 2))


def share_change(live: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return how much larger the share of the first cell is, -1 … 1."""
    return np.asarray(_shares(live)[..., 0] - _shares(reference)[..., 0])


def new_share(live: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the share of the live window in cells where the reference has nobody, 0 … 1; the first cell is no news."""
    is_new = reference == 0
    is_new[..., 0] = False
    return np.asarray((live * is_new).sum(axis=-1) / live.sum(axis=-1))


def _shares(counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def _filled(shares: np.ndarray) -> np.ndarray:
    least = np.where(shares > 0, shares, np.inf).min(axis=-1, keepdims=True)
    return np.where(shares > 0, shares, np.where(least <= SMALLEST_SHARE, least / 10**6, SMALLEST_SHARE))
