"""Labels: each value of a column as one of a few safe texts, so that any two windows can be compared.

Numbers become bins of the reference, missing values and unknown categories become labels of their own. Nothing that a
customer sent reaches a report, and an empty, constant, infinite or one-sided column is compared like any other.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

MISSING = "(missing)"
UNKNOWN = "__other__"
RARE = "__rare__"

FEWEST = 5
"""Customers of the reference with the same text: fewer tell nothing of how many there are."""

# Look-alikes, not deletion: "<1 year" and "1 year" stay two categories.
INERT = str.maketrans({"<": "‹", ">": "›", "&": "+", **dict.fromkeys(map(chr, (*range(32), 127)), " ")})


def inert(text: str) -> str:
    """Return a text that no page takes for markup."""
    return text.translate(INERT)


def number_edges(reference: np.ndarray, bins: int) -> np.ndarray:
    """Return ascending edges that divide the reference evenly; a value that fills a bin alone gets its own.

    Args:
        reference: float values of shape (rows,); NaN and infinities are passed over.
        bins: about how many.
    """
    values = reference[np.isfinite(reference)].astype(np.float64)
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= bins:
        return distinct
    is_common = counts >= len(values) / bins
    common, spread = distinct[is_common], values[~np.isin(values, distinct[is_common])]
    inner = np.quantile(spread, np.linspace(0, 1, max(bins - len(common), 2) + 1)[1:-1], method="lower")
    after = distinct[np.minimum(np.flatnonzero(is_common) + 1, len(distinct) - 1)]
    return np.unique(np.concatenate([inner, common, after]))


def number_labels(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the bin of each value as a str object, shape (rows,); NaN is missing."""
    labels = np.array(_bin_names(edges), dtype=object)[np.searchsorted(edges, values, side="right")]
    labels[np.isnan(values)] = MISSING
    return labels


def _bin_names(edges: np.ndarray) -> list[str]:
    """Name the len(edges) + 1 bins; the leading number keeps them in order."""
    if len(edges) == 0:
        return ["any number"]
    texts = [f"{edge:.4g}" for edge in edges]
    between = [f"{low} … {high}" for low, high in pairwise(texts)]
    names = [f"below {texts[0]}", *between, f"from {texts[-1]}"]
    return [f"{number:02d}: {name}" for number, name in enumerate(names)]


def frequent(values: np.ndarray) -> tuple[str, ...]:
    """Return the texts that several customers have, the commonest first; a missing one is none of them."""
    counts = Counter(values.tolist())
    texts = (text for text, count in counts.items() if count >= FEWEST and text != "")
    return tuple(sorted(texts, key=lambda text: (-counts[text], text)))


def category_labels(values: np.ndarray, *, known: Iterable[str], shown: Iterable[str]) -> np.ndarray:
    """Return the label of each text as a str object, shape (rows,).

    Args:
        values: texts; "" is missing.
        known: categories of the contract, and the frequent ones of the reference; another value is unknown.
        shown: the known ones that keep their name; the others are rare.
    """
    import pandas as pd  # noqa: PLC0415  slow, and the exporter shares this room

    names = {"": MISSING} | dict.fromkeys(known, RARE) | {text: inert(text) for text in shown}
    codes, distinct = pd.factorize(values)
    return np.array([names.get(text, UNKNOWN) for text in distinct], dtype=object)[codes]
