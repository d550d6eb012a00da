"""Evidence: is a share surely beyond a bound, surely worse than before, surely slower? Exact tests, one-sided."""

from collections.abc import Mapping
from math import inf

from scipy.stats import binom, hypergeom

TAIL = 0.1
"""The slowest tenth tells whether a version is slow: single slow answers always happen."""

LEAST_BEFORE = 50
"""So many observations before say how fast the version before was."""


def is_beyond(bad: float, asked: float, bound: float, *, chance: float) -> bool:
    """Say whether a share is beyond a bound for sure: if it were not, so many would be seen with less than `chance`."""
    asked = max(asked, bad)
    return bad > bound * asked and bool(binom.sf(bad - 1, asked, bound) < chance)


def is_worse(bad: float, asked: float, *, before: tuple[float, float], chance: float) -> bool:
    """Say whether a share is greater than before for sure, by Fisher's exact test; yes when nothing was asked before.

    Args:
        bad: of those asked now.
        asked: now.
        before: the same two numbers of the time, or the version, before.
        chance: with which an equal share may be called greater.
    """
    bad_before, asked_before = map(round, before)
    if asked_before == 0:
        return True
    bad, asked = round(bad), round(max(asked, bad))
    all_asked, all_bad = asked + max(asked_before, bad_before), bad + bad_before
    return bool(hypergeom.sf(bad - 1, all_asked, all_bad, asked) < chance)


def slow_bound(before: Mapping[float, float], *, ratio: float, floor: float) -> float | None:
    """Return the seconds that nine of ten must not exceed: `ratio` times what nine of ten took before.

    Both are bounds of the histogram, so no answer's time is guessed. None: nobody knows how it was, or the histogram
    ends before.
    """
    if not before or before.get(inf, 0.0) < LEAST_BEFORE:
        return None
    usual = next(bound for bound, count in before.items() if count >= (1 - TAIL) * before[inf])
    wanted = max(ratio * usual, floor)
    return next((bound for bound in before if bound >= wanted and bound < inf), None)


def slow_of(seconds: Mapping[float, float], bound: float) -> tuple[float, float]:
    """Return how many took longer than a bound of the histogram, and of how many."""
    asked = seconds.get(inf, 0.0)
    return asked - seconds.get(bound, asked), asked
