"""Pictures of a performance run: the weeks with their bands, and ROC, precision-recall and calibration of all."""

import warnings
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from churn.stores.labelled import DuePrediction
from churn.stores.performance import PerformanceMeasure
from monitoring.performance_found import PerformanceFound
from monitoring.performance_windows import answers_of, known

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OF_WEEKS = {"roc_auc": "ROC-AUC", "brier": "Brier score", "base_rate": "share who leave", "profit": "profit"}
OF_OUTCOMES = ("calibration", "precision_recall", "roc")
COLOURS = {"observed": "#1f5a94", "estimated": "#b5400f"}
HELD_OUT_COLOUR = "#8c8c8c"


def pictures(found: PerformanceFound, rows: Sequence[DuePrediction]) -> dict[str, bytes]:
    """Return PNGs by file name; only those for which there are figures."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # names of segments are in any script
        figures = {**_of_outcomes(found, rows), **_of_weeks(found)}
        return {f"{name}.png": _png(figure) for name, figure in figures.items()}


def _of_outcomes(found: PerformanceFound, rows: Sequence[DuePrediction]) -> dict[str, "Figure"]:
    from churn.evaluation.plots import plots  # noqa: PLC0415  slow, and the exporter shares this room

    if found.of_all("roc_auc", "observed") is None:
        return {}
    told, target = known(rows)
    answers = answers_of(told)
    drawn = plots(target, answers.probability, answers.threshold)
    return {name: drawn[name] for name in OF_OUTCOMES}


def _of_weeks(found: PerformanceFound) -> dict[str, "Figure"]:
    from matplotlib.figure import Figure  # noqa: PLC0415  slow, and the exporter shares this room

    shown = {name: weeks for name in OF_WEEKS if (weeks := found.of_dimension("week", name))}
    if not shown:
        return {}
    figure = Figure(figsize=(9, 2.3 * len(shown)), layout="constrained", dpi=90)
    all_axes = figure.subplots(len(shown), 1, sharex=True, squeeze=False).flat
    for axes, (name, weeks) in zip(all_axes, shown.items(), strict=True):
        _draw_weeks(axes, name, weeks, found)
    return {"by_week": figure}


def _draw_weeks(axes: "Axes", name: str, weeks: Sequence[PerformanceMeasure], found: PerformanceFound) -> None:
    names = sorted({one.part for one in found.measures if one.dimension == "week"})
    for source, colour in COLOURS.items():
        mine = [one for one in weeks if one.source == source]
        places = np.array([names.index(one.part) for one in mine])
        ends = np.array([(one.low, one.high) for one in mine if one.low is not None], np.float64).reshape(-1, 2)
        axes.plot(places, [one.value for one in mine], color=colour, marker="o", label=source)
        if len(ends) == len(mine):
            axes.fill_between(places, ends[:, 0], ends[:, 1], color=colour, alpha=0.2, linewidth=0)
    if reference := found.of_all(name, "reference"):
        axes.axhline(reference.value, color=HELD_OUT_COLOUR, linestyle="--", label="held out")
    unit = f", {found.currency} per customer" if name == "profit" and found.currency else ""
    axes.set(ylabel=f"{OF_WEEKS[name]}{unit}", xticks=range(len(names)))
    axes.set_xticklabels(names, rotation=30, ha="right")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


def _png(figure: "Figure") -> bytes:
    held = BytesIO()
    figure.savefig(held, format="png")
    return held.getvalue()
