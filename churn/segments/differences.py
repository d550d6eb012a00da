"""What sets segments apart: an effect size and a corrected test for each column of each segment.

Numbers: standardised mean difference, and the rank test of Mann and Whitney (1947).
Categories: difference of shares, Cramér's V and Pearson's χ² test. All tests of all segments are corrected together for
the false discovery rate (Benjamini and Hochberg, 1995). Columns that the segments were made from differ by
construction: their tests are descriptive, and only the others are evidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2_contingency, false_discovery_control, mannwhitneyu

from churn.contract.contract import Contract
from churn.contract.derived import Bin, Log1p
from churn.segments.profile import Trait
from churn.segments.words import column_words, is_text_like, number_words, texts_of

LARGEST_SMD = 99.0


@dataclass(frozen=True, slots=True)
class Difference:
    """One column of one segment against all other customers."""

    words: str
    effect: float
    p: float
    cramers_v: float | None = None


def traits_of(
    contract: Contract,
    columns: Mapping[str, np.ndarray],
    numbers: np.ndarray,
    *,
    count: int,
    grouped_by: frozenset[str],
) -> tuple[tuple[Trait, ...], ...]:
    """Return the traits of each segment, strongest first.

    Args:
        contract: what the columns mean.
        columns: graph-ready and derived columns, each of shape (rows,).
        numbers: segment of each row, shape (rows,).
        count: of segments.
        grouped_by: columns that the segments were made from.
    """
    found = [
        (number, name, difference)
        for number in range(count)
        for name, values in columns.items()
        if (difference := _difference(contract, name, values, numbers == number)) is not None
    ]
    corrected = false_discovery_control([difference.p for *_, difference in found]) if found else []
    traits: dict[int, list[Trait]] = {number: [] for number in range(count)}
    for (number, name, difference), p in zip(found, corrected, strict=True):
        traits[number].append(_trait(contract, name, difference, float(p), is_grouped_by=name in grouped_by))
    return tuple(tuple(sorted(each, key=lambda trait: -trait.strength)) for each in traits.values())


def _trait(contract: Contract, name: str, difference: Difference, p: float, *, is_grouped_by: bool) -> Trait:
    return Trait(
        column=name,
        words=difference.words,
        effect=difference.effect,
        cramers_v=difference.cramers_v,
        p_adjusted=min(1.0, max(0.0, p)),
        is_grouped_by=is_grouped_by,
        is_protected=name in contract.columns and contract.columns[name].protected,
    )


def _difference(contract: Contract, name: str, values: np.ndarray, members: np.ndarray) -> Difference | None:
    """None where nothing can differ (a constant column), or another column says the same in plainer words."""
    if isinstance(contract.derived.get(name), Bin | Log1p):
        return None
    if is_text_like(contract, name):
        return _of_texts(name, values, members)
    return _of_numbers(contract, name, values, members)


def _of_numbers(contract: Contract, name: str, values: np.ndarray, members: np.ndarray) -> Difference | None:
    known = np.isfinite(values)
    here, others = values[members & known].astype(np.float64), values[~members & known].astype(np.float64)
    if len(here) < 2 or len(others) < 2 or np.ptp(np.concatenate([here, others])) == 0:
        return None
    gap = here.mean() - others.mean()
    spread = np.sqrt((here.var(ddof=1) + others.var(ddof=1)) / 2)
    effect = float(np.clip(gap / spread if spread else np.sign(gap) * LARGEST_SMD, -LARGEST_SMD, LARGEST_SMD))
    median, of_others = (number_words(contract, name, float(np.median(side))) for side in (here, others))
    words = f"{column_words(name)}: typically {median} (others {of_others})"
    return Difference(words, effect, float(mannwhitneyu(here, others).pvalue))


def _of_texts(name: str, values: np.ndarray, members: np.ndarray) -> Difference | None:
    found, codes = np.unique(texts_of(values), return_inverse=True)
    counts = np.array([np.bincount(codes[side], minlength=len(found)) for side in (members, ~members)])
    if len(found) < 2 or (counts.sum(axis=1) == 0).any():
        return None
    tested = chi2_contingency(counts, correction=False)
    here, others = counts / counts.sum(axis=1, keepdims=True)
    most = int(np.abs(here - others).argmax())
    label = found[most] or "not known"
    words = f"{column_words(name)}: {here[most]:.0%} {label} (others {others[most]:.0%})"
    strength = float(np.sqrt(tested.statistic / counts.sum()))
    return Difference(words, float(here[most] - others[most]), float(tested.pvalue), min(1.0, strength))
