"""Fits scales to a table, so that every column counts about as much as one well-behaved number."""

import numpy as np

from churn.segments.scales import CategoryScale, NumberScale, Scale

OUTER = (0.01, 0.99)
"""Shares of a number's values beyond which one customer would pull a centre."""

FEW_VALUES = 10
"""A number with no more of them is a count or a flag: none of its values is extreme."""

LARGE_SKEW = 1.5
SMALLEST_SPREAD = 0.3
"""Of the range: a flag that one customer in a hundred has would count for ten numbers if it were divided by its own."""

MOST_CATEGORIES = 30
"""The rarer ones count as unlisted."""

SMALLEST_VARIANCE = 0.2
"""As SMALLEST_SPREAD, for categories: that of one category with 89 % of the customers."""


def fit_scale(name: str, values: np.ndarray) -> Scale:
    """Fit the scale of one column of shape (rows,): float32 numbers with NaN, or texts with "" for missing."""
    return _category_scale(name, values) if values.dtype == object else _number_scale(name, values)


def _number_scale(name: str, values: np.ndarray) -> NumberScale:
    known = values[np.isfinite(values)].astype(np.float64)
    known = known if len(known) else np.zeros(1)
    low, high = _bounds(known)
    median = float(np.median(known))
    unit = _log_unit(np.clip(known, low, high), median)
    plain = NumberScale(name=name, median=median, low=low, high=high, log_unit=unit, centre=0, spread=1)
    bent = plain.encode(values)[:, 0]
    spread = max(float(bent.std()), SMALLEST_SPREAD * float(np.ptp(bent)) if len(np.unique(known)) <= 2 else 0.0)
    return plain.model_copy(update={"centre": float(bent.mean()), "spread": spread or 1.0})


def _bounds(known: np.ndarray) -> tuple[float, float]:
    if len(np.unique(known)) <= FEW_VALUES:
        return float(known.min()), float(known.max())
    low, high = np.quantile(known, OUTER)
    return float(low), float(high)


def _log_unit(clipped: np.ndarray, median: float) -> float | None:
    """Unit of the logarithm for a number with a long upper tail, else None."""
    spread = clipped.std()
    unit = median - clipped.min()
    if not spread or len(np.unique(clipped)) <= FEW_VALUES:
        return None
    skew = (((clipped - clipped.mean()) / spread) ** 3).mean()
    return float(unit or spread) if skew > LARGE_SKEW else None


def _category_scale(name: str, values: np.ndarray) -> CategoryScale:
    found, counts = np.unique(values.astype(str), return_counts=True)
    frequent = np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]
    shares = counts[frequent] / len(values)
    variance = float((shares * (1 - shares)).sum())
    return CategoryScale(
        name=name,
        categories=tuple(found[frequent].tolist()),
        weight=1 / np.sqrt(max(variance, SMALLEST_VARIANCE)),
    )
