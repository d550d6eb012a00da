"""The picture of a drift run: the columns that moved most, in the live window and in the reference."""

import warnings
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from monitoring.comparing import Compared
from monitoring.drift_words import column_title
from monitoring.labels import inert
from monitoring.measures import Measure, largest_first

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = 4
LABELS = 12
LONGEST = 24
LIVE_COLOUR, REFERENCE_COLOUR = "#b5400f", "#8c8c8c"


def draw_drift(compared: Compared) -> bytes:
    """Return a PNG of at most four columns."""
    from matplotlib.figure import Figure  # noqa: PLC0415  slow, and the exporter shares this room

    shown = largest_first(compared.measures)[:PANELS]
    figure = Figure(figsize=(10, 2.6 * ((len(shown) + 1) // 2)), layout="constrained", dpi=90)
    for axes, measure in zip(figure.subplots((len(shown) + 1) // 2, 2, squeeze=False).flat, shown, strict=False):
        _draw(axes, measure, compared)
    for axes in figure.axes[len(shown) :]:
        axes.set_axis_off()
    figure.axes[0].legend(frameon=False, fontsize=8)
    page = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a category in a script that the font lacks
        figure.savefig(page, format="png")
    return page.getvalue()


def _draw(axes: "Axes", measure: Measure, compared: Compared) -> None:
    live, reference = compared.live[measure.column], compared.reference[measure.column]
    labels = _commonest(live, reference)
    places = np.arange(len(labels))
    for shift, rows, name, colour in (
        (-0.2, reference, "reference", REFERENCE_COLOUR),
        (0.2, live, "live", LIVE_COLOUR),
    ):
        axes.barh(places + shift, [np.mean(rows == label) for label in labels], 0.4, label=name, color=colour)
    axes.set_yticks(places, [inert(label)[:LONGEST] for label in labels], fontsize=7, parse_math=False)
    axes.invert_yaxis()
    axes.tick_params(axis="x", labelsize=7)
    title = f"{inert(column_title(measure.column))[:LONGEST]}: {measure.method} {measure.value:.2f}"
    axes.set_title(title, fontsize=9, parse_math=False)


def _commonest(live: np.ndarray, reference: np.ndarray) -> list[str]:
    """Return the labels that fill the windows most, in the order of their names: bins in the order of numbers."""
    names = sorted({*live.tolist(), *reference.tolist()})
    fullest = sorted(names, key=lambda name: -max(np.mean(live == name), np.mean(reference == name)))[:LABELS]
    return sorted(fullest)
