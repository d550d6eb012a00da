"""The rows of the heat map: columns in which the segments differ most, each with its figures per segment."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from churn.contract.table import Columns
from churn.features.operations import derive
from churn.segments.assignment import SegmentBook
from churn.segments.words import column_words

MOST_ROWS = 12


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One column, or one category of it: mean or share per segment, and how far it is from that of all customers."""

    words: str
    deviations: tuple[float, ...]
    """In standard deviations of one customer; shape (segments,)."""

    texts: tuple[str, ...]


def heat_rows(book: SegmentBook, columns: Columns) -> list[HeatRow]:
    """Return one row per column: those that the segments were made from, then the others that differ most."""
    values = {**columns, **{name: derive(how, columns) for name, how in book.derived.items()}}
    numbers = book.of_columns(columns)
    made_from = [scale.name for scale in book.scales]
    others = [name for name in values if name not in made_from]
    rows = {name: _row(name, values[name], numbers, len(book.segments)) for name in (*made_from, *others)}
    strongest = sorted(others, key=lambda name: -max(map(abs, rows[name].deviations)))
    return [*_without_repeats(rows[name] for name in (*made_from, *strongest))][:MOST_ROWS]


def _without_repeats(rows: Iterable[HeatRow]) -> Iterator[HeatRow]:
    """Leave out rows that say the same of the same customers: "No internet service" in six columns."""
    seen: set[tuple[float, ...]] = set()
    for row in rows:
        figures = tuple(round(deviation, 3) for deviation in row.deviations)
        if figures not in seen:
            yield row
        seen.add(figures)


def _row(name: str, values: np.ndarray, numbers: np.ndarray, count: int) -> HeatRow:
    if values.dtype == object:
        return _category_row(name, values, numbers, count)
    is_flag = bool(np.isin(values[~np.isnan(values)], (0, 1)).all())
    return _number_row(column_words(name), values.astype(np.float64), (numbers, count), is_share=is_flag)


def _category_row(name: str, values: np.ndarray, numbers: np.ndarray, count: int) -> HeatRow:
    """The category whose share differs most between segments."""
    texts = values.astype(str)
    rows = [
        _number_row(
            f"{column_words(name)}: {text or 'not known'}", np.equal(texts, text) * 1.0, (numbers, count), is_share=True
        )
        for text in np.unique(texts)
    ]
    return max(rows, key=lambda row: max(map(abs, row.deviations)))


def _number_row(words: str, values: np.ndarray, segments: tuple[np.ndarray, int], *, is_share: bool) -> HeatRow:
    numbers, count = segments
    known = np.isfinite(values)
    means = [_mean(values[known & (numbers == number)]) for number in range(count)]
    middle, spread = _mean(values[known]), float(np.std(values[known])) if known.any() else 0.0
    return HeatRow(
        words=words,
        deviations=tuple((mean - middle) / spread if spread else 0.0 for mean in means),
        texts=tuple(
            f"{mean:.0%}" if is_share else f"{mean:,.3g}" if abs(mean) < 1000 else f"{mean:,.0f}" for mean in means
        ),
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0
