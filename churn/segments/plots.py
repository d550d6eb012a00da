"""Pictures of the segments: where they lie, what sets them apart, who leaves, and what is at stake."""

from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter
from sklearn.decomposition import PCA

from churn.contract.table import Columns
from churn.evaluation.plots import CHANCE_COLOUR, MARK_COLOUR, MODEL_COLOUR, STYLE
from churn.features.operations import derive
from churn.segments.assignment import SegmentBook
from churn.segments.heat import HeatRow, heat_rows

COLOURS = ("#b5400f", "#1f5a94", "#3f8f5b", "#8a5a9e", "#c79a1e", "#4fa3b5", "#6b6b6b", "#d47a9a")
MARKERS = "osD^vP*X"
"""One per segment, so that the map reads without colours."""

MAPPED_ROWS = 3000
STRONGEST = 2.0
"""Where the heat map's colours end, in standard deviations."""

NAME_WIDTH = 30


def plots(book: SegmentBook, columns: Columns) -> dict[str, Figure]:
    """Draw every picture; figure per name, not yet saved.

    Args:
        book: from `find_segments`.
        columns: graph-ready columns, each of shape (rows,); the map shows 3000 of them.
    """
    return {
        "segment_map": segment_map(book, columns),
        "segment_profiles": profile_heat(book, columns),
        "segment_churn": churn_and_value(book),
    }


def segment_map(book: SegmentBook, columns: Columns) -> Figure:
    """Draw customers on the two directions in which they differ most (principal components)."""
    some = _sample(columns)
    values = {**some, **{name: derive(how, some) for name, how in book.derived.items()}}
    points = np.hstack([scale.encode(values[scale.name]) for scale in book.scales])
    flat, shares = _flatten(points)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.6, 5), layout="constrained")
        axes = figure.subplots()
        _scatter(axes, book, flat, book.of_columns(some))
        axes.set(title="Where the segments lie", xlabel=f"direction 1 ({shares[0]:.0%} of all differences)")
        axes.set_ylabel(f"direction 2 ({shares[1]:.0%})")
        figure.legend(loc="outside right upper", frameon=False, markerscale=2, labelspacing=1)
    return figure


def profile_heat(book: SegmentBook, columns: Columns) -> Figure:
    """Draw how far each segment lies above or below all customers in the columns that differ most."""
    rows = heat_rows(book, columns)
    heat = np.array([row.deviations for row in rows])
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        size = (3.4 + 1.4 * len(book.segments), 1.6 + 0.36 * len(rows))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        image = axes.imshow(heat, cmap="RdBu_r", vmin=-STRONGEST, vmax=STRONGEST, aspect="auto")
        _write_cells(axes, rows)
        axes.set_xticks(range(len(book.segments)), [fill(name, 17) for name in book.names], fontsize=8)
        axes.set_yticks(range(len(rows)), [row.words for row in rows])
        axes.tick_params(length=0)
        axes.set_title("What sets each segment apart: mean or share, colour against all customers")
        figure.colorbar(image, ax=axes, label="standard deviations from all")
    return figure


def churn_and_value(book: SegmentBook) -> Figure:
    """Draw the churn rate of each segment with its interval, and what those who left were worth."""
    has_value = all(segment.value_at_risk is not None for segment in book.segments)
    with mpl.rc_context(STYLE):
        height = 1.6 + 0.7 * len(book.segments)
        figure = Figure(figsize=(10 if has_value else 6.5, height), layout="constrained")
        panels = figure.subplots(1, 2 if has_value else 1, sharey=True, squeeze=False)[0]
        _churn(panels[0], book)
        if has_value:
            _value(panels[1], book)
    return figure


def _sample(columns: Columns) -> Columns:
    rows = len(next(iter(columns.values())))
    chosen = np.random.default_rng(0).permutation(rows)[:MAPPED_ROWS]
    return {name: values[chosen] for name, values in columns.items()}


def _flatten(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two coordinates of each row, and their shares of the variance; a single coordinate gets a second of 0."""
    wide = np.hstack([points, np.zeros((len(points), 1))])
    model = PCA(2, svd_solver="full").fit(wide)
    return model.transform(wide), model.explained_variance_ratio_


def _scatter(axes: Axes, book: SegmentBook, flat: np.ndarray, numbers: np.ndarray) -> None:
    x, y = (flat + np.random.default_rng(0).normal(0, 0.03, flat.shape)).T
    for number, segment in enumerate(book.segments):
        members = numbers == number
        axes.scatter(
            x[members],
            y[members],
            s=10,
            alpha=0.6,
            linewidths=0,
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            label=fill(f"{segment.name} ({segment.share:.0%})", 24),
        )


def _write_cells(axes: Axes, rows: list[HeatRow]) -> None:
    for down, row in enumerate(rows):
        for across, (text, deviation) in enumerate(zip(row.texts, row.deviations, strict=True)):
            colour = "white" if abs(deviation) > 0.6 * STRONGEST else "black"
            axes.text(across, down, text, ha="center", va="center", color=colour, fontsize=9)


def _churn(axes: Axes, book: SegmentBook) -> None:
    places = np.arange(len(book.segments))
    rates = np.array([segment.churn_rate for segment in book.segments])
    ends = np.array([[segment.churn_low, segment.churn_high] for segment in book.segments]).T
    overall = float(np.dot(rates, [segment.share for segment in book.segments]))
    axes.barh(places, rates, color=MODEL_COLOUR, height=0.6)
    axes.errorbar(rates, places, xerr=np.abs(ends - rates), fmt="none", ecolor="black", capsize=3, linewidth=1)
    axes.axvline(overall, color=CHANCE_COLOUR, linestyle="--", label=f"all customers {overall:.1%}")
    for place, rate, end in zip(places.tolist(), rates, ends[1], strict=True):
        axes.text(end, place, f"  {rate:.1%}", va="center")
    axes.set_yticks(places, [fill(name, NAME_WIDTH) for name in book.names])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set(title="Who left", xlabel="share that left, 95 % interval", xlim=(0, min(1.0, ends.max() * 1.2 + 0.02)))
    axes.legend(frameon=False, loc="lower right")


def _value(axes: Axes, book: SegmentBook) -> None:
    at_risk = np.array([segment.value_at_risk or 0.0 for segment in book.segments])
    bars = axes.barh(np.arange(len(at_risk)), at_risk, color=MARK_COLOUR, height=0.6)
    shares = at_risk / max(float(at_risk.sum()), 1e-9)
    axes.bar_label(bars, [f" {amount:,.0f} ({share:.0%})" for amount, share in zip(at_risk, shares, strict=True)])
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set(
        title="What those who left were worth", xlabel=book.currency, xlim=(0, max(float(at_risk.max()), 1.0) * 1.45)
    )
