"""Pictures of staying: the share of customers still there over time, and whether foretold shares come true."""

from collections.abc import Sequence
from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from churn.evaluation.plots import CHANCE_COLOUR, MARK_COLOUR, MODEL_COLOUR, STYLE
from churn.retention.curves import Curve
from churn.retention.survival_study import Calibrated

COLOURS = (MODEL_COLOUR, MARK_COLOUR, "#3f8f5b", "#8a5a9e", "#c79a1e", "#4fa3b5", "#6b6b6b", "#d47a9a")
LINES = ("-", "--", "-.", ":")


def curves_plot(curves: Sequence[Curve], title: str = "How long customers stay") -> Figure:
    """Draw survival curves with their intervals, at most eight."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.2, 4.5), layout="constrained")
        axes = figure.subplots()
        for place, curve in enumerate(curves[: len(COLOURS)]):
            _draw(axes, curve, place)
        axes.set(title=title, xlabel="months as a customer", ylabel="share still there", ylim=(0, 1.02), xlim=(0, None))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        figure.legend(loc="outside right upper", frameon=False)
    return figure


def calibration_plot(rows: Sequence[Calibrated]) -> Figure:
    """Draw the share that stayed against the share that was foretold, a marker per number of months."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6, 4.8), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=CHANCE_COLOUR, linestyle="--", label="perfect")
        for place, months in enumerate(sorted({row.months for row in rows})):
            _draw_fifths(axes, [row for row in rows if row.months == months], place)
        axes.set(title="Do foretold stays come true?", xlabel="foretold share that stays", ylabel="share that stayed")
        axes.legend(frameon=False, loc="upper left")
    return figure


def _draw(axes: Axes, curve: Curve, place: int) -> None:
    colour = COLOURS[place]
    label = fill(f"{curve.name} ({curve.customers:,})", 24)
    axes.step(curve.months, curve.share, where="post", color=colour, linestyle=LINES[place % len(LINES)], label=label)
    axes.fill_between(curve.months, curve.low, curve.high, step="post", color=colour, alpha=0.15, linewidth=0)


def _draw_fifths(axes: Axes, rows: Sequence[Calibrated], place: int) -> None:
    observed = np.array([row.observed for row in rows])
    error = np.abs(np.array([[row.low, row.high] for row in rows]).T - observed)
    foretold = [row.foretold for row in rows]
    label = f"{rows[0].months:.0f} months, fifths of customers"
    axes.errorbar(foretold, observed, error, fmt="osD^"[place % 4], color=COLOURS[place], capsize=3, label=label)
