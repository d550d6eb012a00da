"""Drawing a panel, whatever its kind."""

from collections.abc import Mapping
from typing import Any

from monitoring.boards.asking import Span
from monitoring.boards.plots.answers import GREY, Answers
from monitoring.boards.plots.axes import moment
from monitoring.boards.plots.cells import draw_cells
from monitoring.boards.plots.figures import draw_bars, draw_figures
from monitoring.boards.plots.graph import draw_graph
from monitoring.boards.plots.squares import draw_squares
from monitoring.boards.plots.states import draw_states

DRAWERS = {
    "stat": draw_figures,
    "timeseries": draw_graph,
    "bargauge": draw_bars,
    "table": draw_cells,
    "state-timeline": draw_states,
    "heatmap": draw_squares,
}
"""Grafana's name of a kind → what draws it."""

OVER_TIME = ("timeseries", "state-timeline", "heatmap")


def draw(axes: Any, panel: Mapping[str, Any], answers: Answers, span: Span) -> None:
    """Draw a panel's data into its axes; without any, say so."""
    if any(answer.series for answer in answers):
        DRAWERS[panel["type"]](axes, panel, answers)
        for side in axes.spines.values():
            side.set_visible(False)
        if panel["type"] in OVER_TIME:
            axes.set_xlim(moment(span.start), moment(span.end))
        return
    axes.axis("off")
    axes.text(0.5, 0.5, "no data", ha="center", va="center", color=GREY, transform=axes.transAxes)
