"""Ranges of block numbers: a million blocks in a row are two numbers."""

from collections.abc import Iterable

Range = tuple[int, int]
"""First and last number, both within."""


def added(ranges: list[Range], number: int) -> None:
    """Add a number that is greater than all that are there."""
    if ranges and ranges[-1][1] == number - 1:
        ranges[-1] = (ranges[-1][0], number)
    else:
        ranges.append((number, number))


def without(ranges: Iterable[Range], taken: Iterable[Range]) -> list[Range]:
    """Return what is left of ranges when others are taken out of them."""
    left = list(ranges)
    for low, high in taken:
        left = [part for each in left for part in _parts(each, low, high)]
    return left


def _parts(whole: Range, low: int, high: int) -> Iterable[Range]:
    first, last = whole
    if first <= min(last, low - 1):
        yield first, min(last, low - 1)
    if max(first, high + 1) <= last:
        yield max(first, high + 1), last


def ranges_in(value: object) -> list[Range]:
    """Read ranges out of parsed JSON; whatever is none is left out."""
    pairs = value if isinstance(value, list) else []
    return [(pair[0], pair[1]) for pair in pairs if _is_range(pair)]


def _is_range(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(one, int) for one in value)


def said(ranges: Iterable[Range]) -> str:
    """Write ranges for people."""
    return ", ".join(str(low) if low == high else f"{low} … {high}" for low, high in ranges)


def size(ranges: Iterable[Range]) -> int:
    """Return how many numbers there are in ranges that do not overlap."""
    return sum(high - low + 1 for low, high in ranges)


def ranges_of(numbers: Iterable[int]) -> list[Range]:
    """Return the ranges of ascending numbers."""
    ranges: list[Range] = []
    for number in numbers:
        added(ranges, number)
    return ranges
