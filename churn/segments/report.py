"""The segments in words, for the report and the model card."""

from collections.abc import Iterator

from churn.segments.assignment import SegmentBook
from churn.segments.profile import Segment, Trait

SHOWN_TRAITS = 4


def as_markdown(book: SegmentBook) -> str:
    """Write the segments as Markdown: a table, what sets each apart, and why there are so many."""
    return "\n".join([*_table(book), "", *_reasons(book), *_count(book)]) + "\n"


def as_summary(book: SegmentBook) -> str:
    """Write the segments as a table and why there are so many: for the model card."""
    return "\n".join([*_table(book), "", book.choice.why]) + "\n"


def _table(book: SegmentBook) -> Iterator[str]:
    money = f" ({book.currency})" if book.currency else ""
    yield f"| segment | customers | left (95 % interval) | worth of one{money} | worth of those who left{money} |"
    yield "|---|---:|---:|---:|---:|"
    for segment in book.segments:
        left = f"{segment.churn_rate:.1%} ({segment.churn_low:.1%} to {segment.churn_high:.1%})"
        worth = f"{_money(segment.mean_value)} | {_money(segment.value_at_risk)}"
        yield f"| {_cell(segment.name)} | {segment.size:,} ({segment.share:.0%}) | {left} | {worth} |"


def _reasons(book: SegmentBook) -> Iterator[str]:
    grouped_by = ", ".join(scale.name for scale in book.scales)
    for segment in book.segments:
        yield f"**{segment.name}**"
        yield ""
        yield from (f"- {trait.words}" for trait in _shown(segment, is_grouped_by=True))
        yield from (f"- {trait.words} †" for trait in _shown(segment, is_grouped_by=False))
        yield ""
    yield (
        f"The segments were made from {grouped_by}: that they differ there, or in what is computed from or with these, "
        "proves nothing. Differences marked † are in other columns and are evidence; all are tested, and corrected for "
        "the number of tests (Benjamini and Hochberg, false discovery rate 5 %)."
    )


def _shown(segment: Segment, *, is_grouped_by: bool) -> list[Trait]:
    clear = [trait for trait in segment.traits if trait.is_clear and trait.is_grouped_by is is_grouped_by]
    return clear[:SHOWN_TRAITS]


def _count(book: SegmentBook) -> Iterator[str]:
    yield ""
    yield f"Why {book.choice.count} segments: {book.choice.why}"
    if book.choice.trials:
        yield ""
        yield "| segments | come again (stability) | lie apart (silhouette) | one crowd, cut | smallest |"
        yield "|---:|---:|---:|---:|---:|"
    for trial in book.choice.trials:
        apart = f"{trial.silhouette:.2f} | {trial.silhouette_of_one_cloud:.2f}"
        yield f"| {trial.count} | {trial.stability:.2f} | {apart} | {trial.smallest_share:.0%} |"


def _money(amount: float | None) -> str:
    return "–" if amount is None else f"{amount:,.0f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
