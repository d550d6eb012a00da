"""New categories: what the live window holds of an open column, and neither the contract nor the reference knows."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from churn.contract.column import Column
from monitoring.labels import inert

FEWEST_NAMED = 5
"""A text that fewer customers have is not named: it may be one customer's own."""

MOST_NAMED = 5
LONGEST = 40


@dataclass(frozen=True, slots=True)
class Novelty:
    """The new categories of one column.

    Attributes:
        categories: how many distinct ones.
        rows: customers who have one.
        named: the commonest of them, as texts that no page takes for markup, and their customers.
    """

    column: str
    categories: int
    rows: int
    named: tuple[tuple[str, int], ...]


def novelty_codes(column: Column, live: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the cell of each row, the live first: 0 for what is listed or missing, one for each other text."""
    import pandas as pd  # noqa: PLC0415  slow, and the exporter shares this room

    texts = pd.Series(np.concatenate([live, reference]), dtype=object)
    return np.asarray(pd.factorize(texts.mask(texts.isin(["", *column.categories])))[0] + 1)


def find_novelty(name: str, column: Column, live: np.ndarray, reference: np.ndarray) -> Novelty | None:
    """Return what is new; None when nothing is."""
    known = {"", *column.categories, *reference.tolist()}
    counts = Counter(text for text in live.tolist() if text not in known)
    named = [(inert(text)[:LONGEST], rows) for text, rows in counts.most_common(MOST_NAMED) if rows >= FEWEST_NAMED]
    return Novelty(name, len(counts), counts.total(), tuple(named)) if counts else None
