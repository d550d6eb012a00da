"""How synthetic customers are written: ids, categories and money, as in the real CSV."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LETTERS = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
LETTER_CELLS = 26**5

ID_PRIME = 118_813_759_993
"""The largest prime below 10,000 × 26⁵. Multiplying by a number modulo a prime never gives the same id twice."""


def customer_ids(first_row: int, rows: int, *, seed: int) -> list[str]:
    """Return ids like `7590-VHVEG`, each different from those of all other rows of the seed."""
    random = np.random.default_rng([seed, ID_PRIME])
    step, start = (int(number) for number in random.integers(1, ID_PRIME, size=2))
    first = (start + first_row * step) % ID_PRIME
    numbers = (first + np.arange(rows, dtype=np.int64) * step) % ID_PRIME
    digits, letters = np.divmod(numbers, LETTER_CELLS)
    return [f"{number:04d}-{word}" for number, word in zip(digits.tolist(), _words(letters), strict=True)]


def _words(numbers: NDArray[np.int64]) -> list[str]:
    places = [LETTERS[numbers // 26**place % 26] for place in range(4, -1, -1)]
    return np.column_stack(places).view("<U5").ravel().tolist()


def texts_of(values: Sequence[str], codes: NDArray[np.int64]) -> list[str]:
    """Return the text of each code."""
    return np.array(values, dtype=object)[codes].tolist()  # type: ignore[no-any-return]


def money_texts(dollars: NDArray[np.float64], *, blank: NDArray[np.bool_] | None = None) -> list[str]:
    """Return amounts without needless zeros (`20`, `29.85`); a single space where `blank`, as in the real file."""
    texts = [f"{amount:g}" if amount < 1000 else f"{amount:.2f}".rstrip("0").rstrip(".") for amount in dollars.tolist()]
    if blank is not None:
        for row in np.flatnonzero(blank).tolist():
            texts[row] = " "
    return texts
