"""A graph over time: lines, intervals, and what is on top of each other."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from monitoring.boards.plots.answers import COLOURS, Answers, Named, named
from monitoring.boards.plots.axes import moment, moments, show_amounts, show_names, show_time

LINES = ("#1c7ed6", "#e8590c", "#2f9e44", "#8841d8", "#d6336c", "#0c8599", "#e0a800", "#5c4033", "#868e96", "#364fc7")
FEW = 3


def draw_graph(axes: Any, panel: Mapping[str, Any], answers: Answers) -> None:
    """Draw lines, each in its interval when it has one."""
    every, edges = named(answers), _edges(panel)
    _draw_intervals(axes, panel, dict(every), edges)
    lines = [(name, one) for name, one in every if name not in {*edges, *edges.values()}]
    if panel["fieldConfig"]["defaults"].get("custom", {}).get("stacking", {}).get("mode") == "normal":
        _draw_stack(axes, panel, lines)
    else:
        _draw_lines(axes, panel, lines)
    show_amounts(axes, panel["fieldConfig"]["defaults"])
    show_time(axes)
    show_names(axes)


def _edges(panel: Mapping[str, Any]) -> dict[str, str]:
    """Return upper edge → lower edge of the panel's intervals."""
    return {name: value for name, one, value in _overrides(panel) if one == "custom.fillBelowTo"}


def _overrides(panel: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    return [
        (override["matcher"]["options"], one["id"], one["value"])
        for override in panel["fieldConfig"].get("overrides", ())
        for one in override["properties"]
    ]


def _colour(panel: Mapping[str, Any], name: str, place: int) -> str:
    for of, one, value in _overrides(panel):
        if one == "color" and (of == name or re.fullmatch(of, name)):
            return COLOURS[value["fixedColor"]]
    return LINES[place % len(LINES)]


def _style(panel: Mapping[str, Any], name: str) -> str:
    return "--" if any(of == name and one == "custom.lineStyle" for of, one, _ in _overrides(panel)) else "-"


def _draw_intervals(axes: Any, panel: Mapping[str, Any], series: Mapping[str, Any], edges: Mapping[str, str]) -> None:
    for high, low in edges.items():
        if high in series and low in series:
            below = dict(zip(series[low].times, series[low].values, strict=True))
            bottom = [below.get(at, np.nan) for at in series[high].times]
            colour = _colour(panel, high, 0)
            axes.fill_between(moments(series[high]), bottom, series[high].values, color=colour, alpha=0.2, lw=0)


def _draw_lines(axes: Any, panel: Mapping[str, Any], lines: Named) -> None:
    for place, (name, one) in enumerate(lines):
        mark = "." if len(one.values) < FEW else ""
        look = {"color": _colour(panel, name, place), "ls": _style(panel, name), "marker": mark}
        axes.plot(moments(one), one.values, lw=1.3, label=name, **look)


def _draw_stack(axes: Any, panel: Mapping[str, Any], lines: Named) -> None:
    times = sorted({time for _, one in lines for time in one.times})
    heights = [[dict(zip(one.times, one.values, strict=True)).get(at, 0.0) for at in times] for _, one in lines]
    names = [name for name, _ in lines]
    colours = [_colour(panel, name, place) for place, name in enumerate(names)]
    axes.stackplot([moment(at) for at in times], np.nan_to_num(heights), labels=names, colors=colours, alpha=0.75)
