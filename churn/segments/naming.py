"""Names for segments, in plain words and no two alike: "New customers paying much with month-to-month contract"."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from churn.contract.contract import Contract
from churn.segments.profile import Trait
from churn.segments.words import PAYING, STANDING, category_words, is_text_like, level_words, texts_of

FIRST_PARTS = 2
"""Parts of a name besides how long the customers have been some; more only where two names would be alike."""

MOST, FEW = 0.6, 0.1


def names_of(
    contract: Contract,
    columns: Mapping[str, np.ndarray],
    numbers: np.ndarray,
    traits: Sequence[Sequence[Trait]],
) -> tuple[str, ...]:
    """Name each segment by what sets it apart most; protected columns are never named.

    Args:
        contract: what the columns mean.
        columns: graph-ready and derived columns, each of shape (rows,).
        numbers: segment of each row, shape (rows,).
        traits: of each segment.
    """
    parts = [[*_parts(contract, columns, numbers == number, why)] for number, why in enumerate(traits)]
    lengths = [FIRST_PARTS] * len(parts)
    longest = max(map(len, parts), default=0)
    for _ in range(longest):
        names = [_name(part[:length]) for part, length in zip(parts, lengths, strict=True)]
        lengths = [length + (names.count(name) > 1) for name, length in zip(names, lengths, strict=True)]
    return _numbered([_name(part[:length]) for part, length in zip(parts, lengths, strict=True)])


def _parts(
    contract: Contract, columns: Mapping[str, np.ndarray], members: np.ndarray, traits: Sequence[Trait]
) -> Iterator[str]:
    """Words of the clear traits: first what the segments were made from, then what else differs."""
    speaking = [trait for trait in traits if trait.is_clear and not trait.is_protected]
    named = set(contract.segments.columns) if contract.segments else set()
    for trait in sorted(speaking, key=lambda trait: trait.column not in named):
        name = trait.column
        if is_text_like(contract, name):
            yield _category_part(name, columns[name], members)
        else:
            yield _number_part(contract, name, columns[name], members)


def _name(parts: Sequence[str]) -> str:
    """Who (new customers), then what they do (paying much), then what they have (with many services)."""
    who = [part for part in parts if part in STANDING]
    does = [part for part in parts if part in PAYING]
    has = [part for part in parts if part not in {*who, *does}]
    words = [f"{who[0]} customers".capitalize() if who else "Customers", *does]
    return " ".join(words + [f"with {' and '.join(has)}"] * bool(has)) if parts else "Customers like most"


def _numbered(names: list[str]) -> tuple[str, ...]:
    return tuple(
        f"{name} ({names[:place].count(name) + 1})" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    )


def _number_part(contract: Contract, name: str, values: np.ndarray, members: np.ndarray) -> str:
    """Low when the segment's median is in the lowest third of all customers."""
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, [1 / 3, 2 / 3])
    typical = np.median(values[members & np.isfinite(values)])
    return level_words(contract, name, 0 if typical <= low else 2 if typical >= high else 1)


def _category_part(name: str, values: np.ndarray, members: np.ndarray) -> str:
    found, codes = np.unique(texts_of(values), return_inverse=True)
    here, others = (np.bincount(codes[side], minlength=len(found)) / side.sum() for side in (members, ~members))
    more, less = int((here - others).argmax()), int((here - others).argmin())
    if here[more] >= MOST:
        return category_words(name, str(found[more]))
    if here[less] <= FEW:
        return f"no {category_words(name, str(found[less]))}"
    return f"more often {category_words(name, str(found[more]))}"
