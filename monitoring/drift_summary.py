"""The summary of a drift run in Markdown, for people in a hurry and for the log of a CI job."""

import re
from collections.abc import Iterable, Iterator

from monitoring.drift_found import Found
from monitoring.drift_words import column_title
from monitoring.labels import inert
from monitoring.measures import Measure, largest_first

SHOWN = 25
SPECIAL = re.compile(r"([\\`*_\[\]|~$@]|:(?=//)|(?<=www)\.)")


def drift_summary(found: Found, *, picture: str | None) -> str:
    """Return the page.

    Args:
        found: with measures.
        picture: file beside the page; None: there is none.
    """
    return "\n".join(_lines(found, picture)) + "\n"


def _lines(found: Found, picture: str | None) -> Iterator[str]:
    yield f"# Drift of {plain(found.model)}, version {found.version}: {found.status}\n"
    yield f"{plain(found.message)}\n"
    yield from _table(("", ""), _facts(found))
    if picture:
        yield f"![The columns that moved most]({picture})\n"
    yield "## Columns\n"
    yield from _table(("column", "method", "value", "threshold", "drifted"), map(_row, _shown(found)))
    yield from _novelties(found)
    yield from _remarks(found)


def plain(text: str) -> str:
    """Return a text that neither a page nor Markdown takes for more than text."""
    return SPECIAL.sub(r"\\\1", inert(text))


def _facts(found: Found) -> Iterator[tuple[str, ...]]:
    usual = found.volume.usual_rows_per_hour
    yield "window", f"{found.window_start} … {found.at}"
    yield "customers", f"{found.rows:,}, of {found.predictions:,} answers (reference: {found.reference_rows:,})"
    yield "unreadable", f"{found.unreadable_rows:,}"
    yield "answers an hour", f"{found.volume.rows_per_hour:,.1f}" + (f" (usual: {usual:,.1f})" if usual else "")
    yield "columns that drifted", f"{found.drifted_share:.0%}"
    yield "predicted probability", "drifted" if found.prediction_drifted else "no drift"
    if found.profit:
        one = found.profit
        yield (
            "expected profit per customer, by the model's own probabilities",
            f"{one.now:.2f} {one.currency} now, {one.before:.2f} before: {one.change:+.2f} "
            f"(95 %: {one.low:+.2f} … {one.high:+.2f})",
        )


def _shown(found: Found) -> list[Measure]:
    return largest_first(found.measures)[:SHOWN]


def _row(one: Measure) -> tuple[str, ...]:
    drifted = "yes" if one.is_drifted else ""
    return plain(column_title(one.column)), plain(one.method), f"{one.value:.3f}", f"{one.threshold:.3f}", drifted


def _novelties(found: Found) -> Iterator[str]:
    if not found.novelties:
        return
    yield "## New categories\n"
    for one in found.novelties:
        named = ", ".join(f"{plain(text)} ({rows:,})" for text, rows in one.named)
        yield f"- {plain(one.column)}: {one.categories:,}, with {one.rows:,} customers{f'; {named}' if named else ''}"
    yield ""


def _remarks(found: Found) -> Iterator[str]:
    if not found.remarks:
        return
    yield "## Not comparable\n"
    yield from (f"- {plain(name)} {why}" for name, why in found.remarks.items())
    yield ""


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""
