"""The verdict on drift in words: what was looked at, what drifted, what it would cost, and what else was odd."""

from collections.abc import Iterator

from churn.bundle.files import OUTPUT
from monitoring.drift_found import Found
from monitoring.measures import decisive
from monitoring.volume import Volume

NAMED = 4


def verdict_words(found: Found, *, needed_rows: int) -> str:
    """Return the verdict as one sentence in parts; it holds names of columns, and no value that a customer sent."""
    return "; ".join(_parts(found, needed_rows))


def _parts(found: Found, needed_rows: int) -> Iterator[str]:
    looked_at = f"{found.rows:,} customers of version {found.version} since {found.window_start}"
    if found.status == "not enough data":
        yield f"{looked_at}"
        yield f"{needed_rows:,} are needed to say anything"
    else:
        yield f"{looked_at}: {_drifted(found)}"
        yield from _profit(found)
    yield from _oddities(found)


def _drifted(found: Found) -> str:
    columns, names = len(decisive(found.measures)) - 1, found.drifted_columns
    shown = f" ({', '.join(names[:NAMED])}{' …' if len(names) > NAMED else ''})" if names else ""
    told = f", {'and' if names else 'but'} the predicted probability did" if found.prediction_drifted else ""
    return f"{len(names)} of {columns} columns drifted{shown}{told}"


def _profit(found: Found) -> Iterator[str]:
    change = found.profit
    if change is not None and change.is_sure:
        direction = "more" if change.change > 0 else "less"
        yield (
            f"by its own probabilities, contacting those at risk would earn {abs(change.change):.2f} {change.currency} "
            f"{direction} per customer ({change.low:+.2f} … {change.high:+.2f})"
        )


def _oddities(found: Found) -> Iterator[str]:
    if found.novelties:
        yield "; ".join(f"{one.column} has {one.categories} new categories" for one in found.novelties)
    if found.remarks:
        names = sorted(found.remarks)
        yield f"{', '.join(names[:NAMED])}{' …' if len(names) > NAMED else ''} can't be compared in full"
    if found.unreadable_rows:
        yield f"{found.unreadable_rows:,} customers could not be read by the contract"
    others = found.volume.rows - found.predictions
    if others > 0:
        yield f"{others:,} other answers in the window are left out"
    if found.volume.has_changed:
        yield _volume(found.volume)


def _volume(volume: Volume) -> str:
    return f"{volume.rows_per_hour:,.1f} answers an hour instead of about {volume.usual_rows_per_hour or 0:,.1f}"


def column_title(name: str) -> str:
    """Return how people read a column's name."""
    return "predicted probability" if name == OUTPUT else name
